import type { Artifact } from '../artifacts/artifact.ts';
import { LabError } from '../core/lab-error.ts';
import type { Clock, CommandResult } from '../core/ports.ts';
import type { RuntimeState } from '../core/runtime-state.ts';
import { err, ok } from '../core/result.ts';
import { NotInTime, waitFor } from '../core/wait-for.ts';
import { startFailure } from './start-failed.ts';
import type { LabNode, NodeProcess, RuntimeStatus } from './node.ts';
import { binaries } from './plugins.ts';

export const CONTAINERD_LOG = '/lab/containerd.log';
const USR_LOCAL_BIN = '/usr/local/bin';
const CONTAINERD = [`${USR_LOCAL_BIN}/containerd`];
/** Both are for a virtual machine without KVM on a busy host, where a start was seen to take 18 s. */
const ANSWER_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
/** From a containerd that does not answer any more to its end, as the kernel takes it apart. */
const DYING_MS = 500;

/** How a containerd came to its end; `asked` is false when nobody told it to. */
export interface ContainerdEnd {
  readonly asked: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

type AnsweringRuntime = Extract<RuntimeStatus, { answered: true }>;

/** The one containerd of a node: started, ended, and its end noticed. */
export interface Containerd {
  /** Starts it and waits until CRI answers; StartFailed when it does not, or ends instead. */
  start(): Promise<AnsweringRuntime>;
  /** The same for one that runs already, on a node that was prepared before. */
  adopt(): Promise<AnsweringRuntime>;
  /** Ends it and waits for its end, or throws NotInTime; shims and pods stay. A no-op when none runs. */
  end(signal: 'TERM' | 'KILL'): Promise<void>;
  /** How it is now; where CRI did not answer just before, an end that is under way is waited for. */
  state(seen: { readonly answered: boolean }): Promise<RuntimeState>;
}

interface Running {
  readonly process: NodeProcess;
  asked: boolean;
}

/** `onEnd` is told of every end, the moment it is seen. */
export function containerdOn(
  node: LabNode,
  { clock, onEnd }: { clock: Clock; onEnd: (end: ContainerdEnd) => void },
): Containerd {
  let running: Running | undefined;

  function answers(process: NodeProcess): Promise<AnsweringRuntime> {
    const current: Running = { process, asked: false };
    let ended: ContainerdEnd | undefined;
    void process.ended.then((end) => {
      ended = { asked: current.asked, ...end };
      if (running === current) running = undefined;
      onEnd(ended);
    });
    running = current;
    const failure = async (how: string) =>
      startFailure(how, await node.readFile(CONTAINERD_LOG), (argv, more) =>
        node.exec(argv, { ...more, timeoutMs: 30_000 }),
      );
    return waitFor(
      `containerd on ${node.name}`,
      async () => {
        if (ended !== undefined) {
          const how = ended.exitCode === null ? `by ${ended.signal ?? 'a signal'}` : `with ${ended.exitCode}`;
          throw await failure(`containerd on ${node.name} ended ${how} before it answered`);
        }
        const status = await node.runtimeStatus();
        // it serves what it has loaded, and loads nothing more
        if (!status.answered && status.why.startsWith('unknown service runtime.'))
          throw await failure(`containerd on ${node.name} runs without CRI: ${status.why}`);
        return status.answered && status.runtimeReady
          ? ok(status)
          : err(status.answered ? 'not ready' : status.why);
      },
      { everyMs: 3, forMs: ANSWER_WITHIN_MS, clock },
    ).catch(async (thrown: unknown) => {
      throw thrown instanceof NotInTime ? await failure(thrown.message) : thrown;
    });
  }

  return {
    async start() {
      if (running !== undefined) throw new LabError(`containerd on ${node.name} runs already`);
      return answers(await node.start(CONTAINERD, { logPath: CONTAINERD_LOG }));
    },

    async adopt() {
      return answers(await node.adopt(CONTAINERD));
    },

    async end(signal) {
      const current = running;
      if (current === undefined) return;
      current.asked = true;
      await current.process.signal(signal);
      await waitFor(
        `the end of containerd on ${node.name}`,
        async () => (running === current ? err(`pid ${current.process.pid} is still there`) : ok(undefined)),
        { everyMs: 5, forMs: STOP_WITHIN_MS, clock },
      );
    },

    async state({ answered }) {
      for (const untilMs = clock.now() + DYING_MS; !answered && running !== undefined;) {
        if (clock.now() >= untilMs) return 'not-ready';
        await clock.sleep(5);
      }
      return running === undefined ? 'ended' : 'running';
    },
  };
}

/** What containerd says that it reads of its configuration: 1.x prints what it takes, 2.x warns of what it skips. */
export const configDump = (node: LabNode): Promise<CommandResult> =>
  node.exec(['containerd', 'config', 'dump'], { timeoutMs: 30_000 });

/** Puts containerd's (or runc's, crictl's) programs where the field has them, as links into the artifact cache. */
export async function installPrograms(
  node: Pick<LabNode, 'provide' | 'writeFiles'>,
  artifact: Artifact,
): Promise<void> {
  await node.writeFiles(
    (await binaries(node, artifact)).map(([name, linkTo]) => ({
      nodePath: `${USR_LOCAL_BIN}/${name}`,
      linkTo,
    })),
  );
}
