import * as v from 'valibot';

import { bytesOfText } from '../../core/content.ts';
import { readJson } from '../../core/json.ts';
import type { LabNode, NodeProcess } from '../node.ts';
import { logOf } from './kubernetes-files.ts';

/** A program of Kubernetes on one node. Its log is /var/log/NAME.log there. */
export interface ClusterProgram {
  readonly name: string;
  /** whether it is still there */
  readonly runs: () => boolean;
  /** How it ended, if it has. If nobody killed it, with the last error in its log. */
  whyEnded(): Promise<string | undefined>;
  /** Ends it, and waits for its end. A no-op where it has ended. */
  end(signal: 'TERM' | 'KILL'): Promise<void>;
}

/**
 * Starts it on a node, which is named as in the scenario. `service`: a node with systemd starts it as its service of the same name, or
 * goes on with the one that runs.
 */
export async function startProgram(
  { node, name: nodeName }: { readonly node: LabNode; readonly name: string },
  argv: readonly string[],
  { service = false }: { readonly service?: boolean } = {},
): Promise<ClusterProgram> {
  const [name = ''] = argv;
  const logPath = logOf(name);
  const process: NodeProcess = await node.start(argv, { logPath, ...(service && { service: name }) });
  let end: Awaited<NodeProcess['ended']> | undefined;
  void process.ended.then((how) => (end = how));
  return {
    name,
    runs: () => end === undefined,
    async whyEnded() {
      if (end === undefined) return undefined;
      const { exitCode, signal } = end;
      const how = exitCode === null ? `by ${signal ?? 'a signal'}` : `with ${exitCode}`;
      const what = `${name} on ${nodeName} ended ${how}`;
      if (signal === 'SIGKILL' || signal === 'SIGTERM') return what;
      return `${what}: ${lastError(await node.readFile(logPath))}`;
    },
    async end(signal) {
      if (end !== undefined) return;
      await process.signal(signal);
      await process.ended;
    },
  };
}

const SHOWN_CHARACTERS = 400;

/** The last error in the log of a program of Kubernetes or of etcd, or its last line where it has none. */
export function lastError(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) =>
    /^[EF]\d{4} |"level":"(?:error|fatal|panic)"|^Error|^error|^panic:/.test(line),
  );
  const [text = 'its log is empty', before = ''] = (errors.length > 0 ? errors : lines)
    .slice(-2)
    .map(textOfLine)
    .reverse();
  return before.includes(text) ? before : text; // a panic of etcd repeats less than its own line says
}

const ETCD_LINE = v.looseObject({ msg: v.string(), error: v.optional(v.string()) });

/** Without its time and place in the source, and without a stack. */
function textOfLine(line: string): string {
  const etcd = readJson(ETCD_LINE, line);
  const text =
    etcd === undefined
      ? line.replace(/^(?:[EFWI]\d{4} \S+ +\d+ \S+\] |panic: )/, '')
      : [etcd.msg, ...(etcd.error === undefined ? [] : [etcd.error])].join(': ');
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/**
 * Whether etcd refuses every write, because its database has no space left. It says so in its log alone, and the API
 * server continues to answer.
 */
export function watchSpaceOfEtcd(node: LabNode): () => Promise<boolean> {
  let [offset, refuses] = [0, false];
  return async () => {
    const text = await node.readFile(logOf('etcd'), offset);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    offset += bytesOfText(whole).length;
    for (const line of whole.split('\n'))
      if (line.includes('"alarm":"NOSPACE"')) refuses = line.includes('"msg":"alarm raised"');
    return refuses;
  };
}
