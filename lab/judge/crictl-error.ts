import { parseLogrusLine } from '../core/logrus.ts';

/** The error of the runtime, extracted from the output of crictl. */
export interface CrictlError {
  /**
   * the gRPC code as Go writes it: Unknown, NotFound, DeadlineExceeded; missing if the message is from crictl itself
   */
  readonly code?: string;
  readonly message: string;
}

/**
 * The message of the runtime, byte for byte, from the standard error of any crictl: official versions 1.22 to 1.36 and
 * the one of the lab. Quoting is undone, and everything up to `rpc error: code = X desc = ` of gRPC is removed. So the
 * same runtime has the same message with each of them. Undefined if there is no error.
 *
 * If the call did not reach a runtime, or crictl itself refused (a bad file, `pod sandbox "…" is running, please stop
 * it first`), the result is the complete message of crictl. If there are several errors (`rmp` of several pods), it is
 * the first.
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

/** Matches the outermost gRPC error. Everything after it is from the runtime, even if it contains another one. */
const RPC_ERROR = /^.*?rpc error: code = (?<code>\w+) desc = (?<message>.*)$/s;

/**
 * The exit code of a command in a container comes from the runtime, but not as a gRPC error. Version 1.36 includes the
 * container.
 */
const EXEC_PREFIX = /^execing command in container(?: \S+)? synchronously: /;

/** `rmp` reports several pods in one text, one error per line. A message can have several lines. */
const NEXT_OF_RMP =
  /\n(?=(?:getting sandbox status of pod|stopping the pod sandbox|removing the pod sandbox|pod sandbox) ")/;

/**
 * A line that the CRI client of kubelet in crictl (from 1.23) logs before the error, with the same text: `E1121
 * 13:21:30.678179 …`
 */
const KLOG_LINE = /^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [^\s\]]+\] /;

/**
 * The errors in their order. Errors in logrus lines are unquoted. Up to version 1.35, `rmp` prints its own errors
 * without quotes.
 */
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
      insideKlogValue = line.endsWith('=<'); // a value with several lines ends with ` >`
      continue;
    }
    const { level, message } = parseLogrusLine(line);
    if (level === 'error' || level === 'fatal') texts.push(message);
    else if (level === '') plain.push(line);
  }
  const plainText = plain.join('\n').trim();
  return plainText === '' ? texts : [...texts, plainText];
}
