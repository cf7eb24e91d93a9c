import { parseLogrusLine } from '../core/logrus.ts';

/** What the runtime said, out of what crictl made of it. */
export interface CrictlError {
  /** gRPC's code, as Go writes it: Unknown, NotFound, DeadlineExceeded; missing when the words are crictl's own */
  readonly code?: string;
  readonly message: string;
}

/**
 * The runtime's message, byte for byte, out of the standard error of any crictl, official ones from 1.22 to 1.36 and ours:
 * quoting undone, and off comes all up to gRPC's `rpc error: code = X desc = `, so that the same runtime gives the
 * same message through each of them. Undefined if no error is there.
 *
 * Where the call never reached a runtime, or crictl refused by itself (a bad file, `pod sandbox "…" is running, please stop
 * it first`), the message is crictl's own and whole. Of several errors (`rmp` of several pods) it is the first.
 */
export function unwrapCrictlError(stderr: string): CrictlError | undefined {
  const texts = errorTexts(stderr);
  const [text] = [...texts.filter((one) => RPC_ERROR.test(one)), ...texts.slice(-1)];
  if (text === undefined) return undefined;
  const [first = text] = text.split(NEXT_OF_RMP);
  const { code, message } = RPC_ERROR.exec(first)?.groups ?? {};
  if (code !== undefined && message !== undefined) return { code, message };
  return { message: first.replace(EXEC_PREFIX, '') };
}

/** The outermost one: what follows is the runtime's, even if it holds another. */
const RPC_ERROR = /^.*?rpc error: code = (?<code>\w+) desc = (?<message>.*)$/s;

/** The exit code of a command in a container comes from the runtime, but not as an error of gRPC. 1.36 names the container. */
const EXEC_PREFIX = /^execing command in container(?: \S+)? synchronously: /;

/** `rmp` reports several pods in one text, an error a line; a message may itself have several lines. */
const NEXT_OF_RMP =
  /\n(?=(?:getting sandbox status of pod|stopping the pod sandbox|removing the pod sandbox|pod sandbox) ")/;

/** A line of kubelet's CRI client inside crictl (from 1.23 on), which says the same beforehand: `E1121 13:21:30.678179 …` */
const KLOG_LINE = /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [^\s\]]+\] /;

/** Errors in their order. Those of logrus's lines are unquoted; up to 1.35, `rmp` prints its own as they are. */
function errorTexts(stderr: string): readonly string[] {
  const texts: string[] = [];
  const plain: string[] = [];
  let insideKlogValue = false;
  for (const line of stderr.replace(/\n$/, '').split('\n')) {
    if (insideKlogValue) {
      insideKlogValue = !line.startsWith(' >') || line.endsWith('=<');
      continue;
    }
    if (KLOG_LINE.test(line)) {
      insideKlogValue = line.endsWith('=<'); // a value of several lines, closed by ` >`
      continue;
    }
    const { level, message } = parseLogrusLine(line);
    if (level === 'error' || level === 'fatal') texts.push(message);
    else if (level === '') plain.push(line);
  }
  const plainText = plain.join('\n').trim();
  return plainText === '' ? texts : [...texts, plainText];
}
