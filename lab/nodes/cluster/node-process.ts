import { LabError } from '../../core/lab-error.ts';
import type { LabNode, NodeProcess } from '../node.ts';
import { logOf } from './kubernetes-files.ts';

/** A program of Kubernetes on one node. Its log is /var/log/NAME.log there. */
export interface ClusterProgram {
  readonly name: string;
  /** how it ended, if it has */
  readonly ended: () => string | undefined;
  /** Throws LabError where it has ended, with the last lines of its log. */
  check(): Promise<void>;
  /** Ends it, and waits for its end. A no-op where it has ended. */
  end(signal: 'TERM' | 'KILL'): Promise<void>;
}

const SHOWN_LINES = 5;

export async function startProgram(node: LabNode, argv: readonly string[]): Promise<ClusterProgram> {
  const [name = ''] = argv;
  const logPath = logOf(name);
  const process: NodeProcess = await node.start(argv, { logPath });
  let end: string | undefined;
  void process.ended.then(({ exitCode, signal }) => {
    end = exitCode === null ? `by ${signal ?? 'a signal'}` : `with ${exitCode}`;
  });
  return {
    name,
    ended: () => end,
    async check() {
      if (end === undefined) return;
      throw new LabError(
        `${name} on ${node.name} ended ${end}; its log says: ${await lastLines(node, logPath)}`,
      );
    },
    async end(signal) {
      if (end !== undefined) return;
      await process.signal(signal);
      await process.ended;
    },
  };
}

/** The last of a log, of which the lines of an error tell the most. */
export async function lastLines(node: LabNode, logPath: string): Promise<string> {
  const lines = (await node.readFile(logPath)).split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) =>
    /^[EF]\d{4} |"level":"(?:error|fatal|panic)"|^Error|^error|panic:/.test(line),
  );
  return (errors.length > 0 ? errors : lines).slice(-SHOWN_LINES).join(' | ');
}
