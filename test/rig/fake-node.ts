import type { Artifact } from '../../lab/artifacts/artifact.ts';
import type { NodeState } from '../../lab/core/node-state.ts';
import type { Clock, CommandResult } from '../../lab/core/ports.ts';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { NodeRuntime } from '../../lab/nodes/node-runtime.ts';
import type { NodeFile, NodeProcess, RunningNode, RuntimeStatus } from '../../lab/nodes/node.ts';
import { state } from './recorded-run.ts';

export interface FakeNodeOptions {
  /** what each look sees, beginning with the look at the start; the last one is repeated */
  readonly looks?: readonly NodeState[];
  /** the result of a command; by default every command succeeds without output */
  readonly exec?: (argv: readonly string[]) => Partial<CommandResult>;
  /** commands that end only when they are killed */
  readonly hangs?: (argv: readonly string[]) => boolean;
  /** files that do not exist when somebody removes them */
  readonly absent?: readonly string[];
  readonly status?: RuntimeStatus;
  readonly end?: () => Promise<void>;
}

export interface FakeNode {
  readonly node: RunningNode;
  readonly clock: Clock;
  /** everything that was done to the node, in order: commands, files, starts and ends */
  readonly done: string[];
  /** Appends to the log of the runtime. */
  readonly log: (text: string) => void;
  /** Ends the process that was started last. */
  readonly endProcess: (signal: string) => void;
}

export const ANSWERS: Extract<RuntimeStatus, { answered: true }> = {
  answered: true,
  runtimeVersion: 'v1.6.3',
  runtimeReady: true,
  networkReady: true,
  networkReason: '',
  networkMessage: '',
};

const unused = () => Promise.reject(new Error('not part of this test'));

/** A containerd that always runs, and that no step starts or stops. */
export const RUNNING: NodeRuntime = {
  kind: RUNTIMES.containerd,
  start: unused,
  adopt: unused,
  end: async () => undefined,
  rebootNode: unused,
  state: async () => 'running',
};

const ENDED = { exitCode: 0, signal: null, stdout: '', stderr: '', durationMs: 1, timedOut: false };

/** A node without a machine. Its clock advances only when somebody sleeps. */
export function fakeNode({
  looks = [state()],
  exec = () => ({}),
  hangs = () => false,
  absent = [],
  status = ANSWERS,
  end = async () => undefined,
}: FakeNodeOptions = {}): FakeNode {
  const done: string[] = [];
  let logged = '';
  let looked = 0;
  let nowMs = 0;
  /** each ends one of the processes that were started */
  const ends: ((signal: string) => void)[] = [];

  const process = (what: string): NodeProcess => {
    done.push(what);
    let endIt = (_signal: string): void => undefined;
    const ended = new Promise<{ exitCode: null; signal: string }>((resolve) => {
      endIt = (signal) => resolve({ exitCode: null, signal });
    });
    ends.push(endIt);
    return {
      pid: 7,
      ended,
      async signal(signal) {
        done.push(`SIG${signal}`);
        endIt(`SIG${signal}`);
      },
    };
  };
  const describe = (file: NodeFile): string => {
    if ('remove' in file) return `remove ${file.nodePath}`;
    return 'linkTo' in file ? `link ${file.nodePath} to ${file.linkTo}` : `write ${file.nodePath}`;
  };
  return {
    done,
    log: (text) => void (logged += text),
    endProcess: (signal) => ends.at(-1)?.(signal),
    clock: {
      now: () => nowMs,
      date: () => new Date(nowMs),
      sleep: async (ms) => void (nowMs += ms),
    },
    node: {
      name: 'lab-fake',
      startMs: 0,
      async exec(argv, { kill } = {}) {
        done.push(argv.join(' '));
        if (hangs(argv)) {
          await new Promise((resolve) => kill?.addEventListener('abort', resolve));
          return { ...ENDED, argv, exitCode: null, signal: 'SIGKILL' };
        }
        return { argv, ...ENDED, ...exec(argv) };
      },
      async look() {
        const seen = looks[Math.min(looked, looks.length - 1)];
        looked += 1;
        if (seen === undefined) throw new Error('a fake node needs a state');
        return seen;
      },
      useRuntime: async () => undefined,
      record: async () => void done.push('record'),
      readFile: async (_path, offset = 0) => logged.slice(offset),
      async writeFiles(files) {
        done.push(...files.map(describe));
        return files.flatMap(({ nodePath }) => (absent.includes(nodePath) ? [nodePath] : []));
      },
      start: async (argv) => process(`start ${argv.join(' ')}`),
      adopt: async (argv) => process(`adopt ${argv.join(' ')}`),
      provide: async ({ key }: Artifact) => `/lab/artifacts/${key}`,
      runtimeStatus: async () => status,
      usage: async () => ({ cpuMs: 5 }),
      async reboot() {
        done.push('reboot');
        for (const endIt of ends) endIt('SIGKILL');
      },
      async end() {
        done.push('end');
        await end();
      },
      async keep() {
        done.push('keep');
      },
    },
  };
}

/** An artifact with some programs. */
export const fakeArtifact = (name: string, ...programs: readonly string[]): Artifact => ({
  name,
  version: '1',
  source: 'gomod',
  key: name,
  hostPath: `/cache/${name}`,
  madeBy: 'hand',
  files: programs.map((program) => ({
    path: `bin/${program}`,
    sha256: program,
    sizeBytes: 1,
    executable: true,
  })),
});
