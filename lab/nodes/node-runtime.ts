import { LabError, CannotStart, err, ok } from '../core/lab-error.ts';
import type { Clock, CommandResult } from '../core/ports.ts';
import type { Runtime } from '../core/runtime.ts';
import type { RuntimeState } from '../core/node-state.ts';
import { NotInTime, waitFor } from '../core/wait-for.ts';
import type { LabNode, NodeProcess, RuntimeStatus } from './node.ts';
import { lackedBy, type Ask } from './kernel-kinds.ts';

/** Both are for a virtual machine without KVM on a busy host, where a start once took 18 s. */
const ANSWER_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
/** Time that the kernel may need to end a runtime that no longer answers. */
const DYING_MS = 500;

/** How a runtime ended. `asked` is false if no step asked for it. */
export interface RuntimeEnd {
  readonly asked: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export type AnsweringRuntime = Extract<RuntimeStatus, { answered: true }>;

/** The one runtime of a node. Starts it, ends it and notices its end. */
export interface NodeRuntime {
  /** which one it is */
  readonly kind: Runtime;
  /** Starts it and waits until CRI answers. Throws StartFailed if CRI does not answer, or if the runtime ends. */
  start(): Promise<AnsweringRuntime>;
  /** The same for a runtime that is already running because something on the node has started it. */
  adopt(): Promise<AnsweringRuntime>;
  /**
   * Ends it and waits for its end, or throws NotInTime. Its monitors and pods stay. Does nothing if it is not running.
   */
  end(signal: 'TERM' | 'KILL'): Promise<void>;
  /** Reboots the node and waits for the end of the runtime. The runtime is not started again. */
  rebootNode(): Promise<void>;
  /** Its state now. If CRI has just failed to answer, this waits for an end that may be in progress. */
  state(seen: { readonly answered: boolean }): Promise<RuntimeState>;
}

interface Running {
  readonly process: NodeProcess;
  asked: boolean;
}

/** `onEnd` is called for every end, as soon as it is noticed. */
export function runtimeOn(
  node: LabNode,
  { kind, clock, onEnd }: { kind: Runtime; clock: Clock; onEnd: (end: RuntimeEnd) => void },
): NodeRuntime {
  const { name, argv, logNodePath: logPath } = kind;
  let running: Running | undefined;

  function answers(process: NodeProcess): Promise<AnsweringRuntime> {
    const current: Running = { process, asked: false };
    let ended: RuntimeEnd | undefined;
    void process.ended.then((end) => {
      ended = { asked: current.asked, ...end };
      if (running === current) running = undefined;
      onEnd(ended);
    });
    running = current;
    const failure = async (how: string) =>
      startFailure(how, {
        runtime: kind,
        log: await node.readFile(logPath),
        ask: (command, more) => node.exec(command, { ...more, timeoutMs: 30_000 }),
      });
    return waitFor(
      `${name} on ${node.name}`,
      async () => {
        if (ended !== undefined) {
          const how = ended.exitCode === null ? `by ${ended.signal ?? 'a signal'}` : `with ${ended.exitCode}`;
          throw await failure(`${name} on ${node.name} ended ${how} before it answered`);
        }
        const status = await node.runtimeStatus();
        // the services that it has loaded are all that it will have
        if (!status.answered && status.why.startsWith('unknown service runtime.'))
          throw await failure(`${name} on ${node.name} runs without CRI: ${status.why}`);
        return status.answered && status.runtimeReady
          ? ok(status)
          : err(status.answered ? 'not ready' : status.why);
      },
      { everyMs: 3, forMs: ANSWER_WITHIN_MS, clock },
    ).catch(async (thrown: unknown) => {
      throw thrown instanceof NotInTime ? await failure(thrown.message) : thrown;
    });
  }

  async function itsEnd(): Promise<void> {
    const current = running;
    if (current === undefined) return;
    await waitFor(
      `the end of ${name} on ${node.name}`,
      async () => (running === current ? err(`pid ${current.process.pid} is still there`) : ok(undefined)),
      { everyMs: 5, forMs: STOP_WITHIN_MS, clock },
    );
  }

  return {
    kind,

    async start() {
      if (running !== undefined) throw new LabError(`${name} on ${node.name} runs already`);
      return answers(await node.start(argv, { logPath, service: name }));
    },

    async adopt() {
      return answers(await node.adopt(argv));
    },

    async end(signal) {
      if (running === undefined) return;
      running.asked = true;
      await running.process.signal(signal);
      await itsEnd();
    },

    async rebootNode() {
      if (running !== undefined) running.asked = true;
      await node.reboot();
      await itsEnd();
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

/** Runs the command of the runtime that prints its configuration. */
export const dumpConfig = (node: LabNode, { configDump }: Runtime): Promise<CommandResult> =>
  node.exec(configDump, { timeoutMs: 30_000 });

/**
 * A runtime was started, and it is certain that its CRI will not answer. The message contains the log lines with the
 * reason.
 */
export class StartFailed extends LabError {}

/**
 * The message of the dynamic loader for a program that it cannot start. The exit code is 127. CRI-O reports only that
 * code if conmon lacks a library.
 */
const NOT_EXECUTED =
  /error while loading shared libraries: |version `[^']+' not found|symbol lookup error: |: exit status 127"?$/;
const NO_ROOM =
  /no space left on device|cannot allocate memory|too many open files|failed to create new OS thread|pthread_create failed/i;

/** The error for a failed start: a StartFailed, or an error that is caused by the node or its host. */
export async function startFailure(
  how: string,
  { runtime, log, ask }: { runtime: Runtime; log: string; ask: Ask },
): Promise<LabError> {
  const { name } = runtime;
  const lines = runtime.whyNotStarted(log);
  const details = [how, ...(lines.length === 0 ? [] : ['its log says', ...lines])].join('\n');
  const lineWith = (pattern: RegExp) => lines.find((line) => pattern.test(line));
  const notExecuted = lineWith(NOT_EXECUTED);
  if (notExecuted !== undefined) return new CannotStart(`${name} cannot be executed here: ${notExecuted}`);
  if (lineWith(NO_ROOM) !== undefined) return new LabError(`the node has no room for ${name}: ${details}`);
  const result = { argv: runtime.argv, exitCode: 1, stdout: '', stderr: lines.join('\n') };
  const lacked = await lackedBy(result, ask);
  return lacked === undefined
    ? new StartFailed(details)
    : new LabError(`the kernel of the node does not have ${lacked}, without which ${details}`);
}
