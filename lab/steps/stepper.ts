import { CLUSTER_EFFECTS } from './cluster.ts';
import { CNI_CALL_EFFECTS } from './cni.ts';
import { bytesOfText } from '../core/content.ts';
import type { Artifact } from '../artifacts/artifact.ts';
import { CannotStart, LabError } from '../core/lab-error.ts';
import type { NodeState } from '../core/node-state.ts';
import type { Clock, CommandResult } from '../core/ports.ts';
import type { ClusterNode } from '../nodes/cluster/cluster.ts';
import type { NodeRuntime } from '../nodes/node-runtime.ts';
import { networkOf, type LabNode } from '../nodes/node.ts';
import type { Observation } from '../observe/observation.ts';
import type { ComponentRef } from '../core/components.ts';
import type { PlannedStep } from '../plan/plan.ts';
import type { PodSpec } from '../spec/scenario.ts';
import { present } from '../spec/object-shape.ts';
import { backgroundEndedBy, podMadeBy, specOf, type PlannedAction, type Verb } from '../spec/verbs/verbs.ts';
import { capturePod, Captures } from './captures.ts';
import {
  type RunningStep,
  type RunOptions,
  type StepContext,
  LabCannotDoIt,
  NothingToActOn,
  type VerbEffects,
} from './context.ts';
import { notItsFault, COMMAND_EFFECTS } from './commands.ts';
import { settle, type Settling } from './settle.ts';
import { CONTAINER_EFFECTS } from './containers.ts';
import { FILE_EFFECTS } from './files.ts';
import { PLUGIN_EFFECTS } from './plugins.ts';
import { POD_EFFECTS } from './pods.ts';
import { askable, RUNTIME_EFFECTS } from './runtime.ts';
import { WAITING_EFFECTS } from './wait.ts';

export interface StepperOptions {
  readonly node: LabNode;
  readonly runtime: NodeRuntime;
  readonly clock: Clock;
  readonly artifact: (ref: ComponentRef) => Artifact;
  readonly observe: (observation: Observation) => void;
  /** How what is seen after a step compares with its expectations, and how long it may take to settle; see settle.ts. */
  readonly settling?: (stepId: string, seen: SeenNow) => Settling;
  readonly settleMs: number;
  /** Whether a look after this step also asks for NetworkReady of CRI. */
  readonly asksNetwork?: (stepId: string) => boolean;
  /** where the node is one of a cluster */
  readonly clusterNode?: ClusterNode;
  /** shared with the steppers of other nodes, if there are some */
  readonly captures?: Captures;
}

/** What a look has seen that is not recorded yet. */
export interface SeenNow {
  readonly state: NodeState;
  /** lines of the runtime's log that were written since the last record */
  readonly log: string;
}

/** The action, and the pods that it may use. */
export type Step = Pick<PlannedStep, 'id' | 'action' | 'timeoutMs' | 'background'> & {
  readonly pods: readonly PodSpec[];
  /**
   * whether to wait until nothing is written to the log, because this or the next step has an expectation on the log
   */
  readonly quietLog?: boolean;
  /** for `parallel`: the steps that it starts */
  readonly together?: readonly Step[];
};

/** Executes steps on one node. The caller decides which. */
export interface Stepper {
  readonly captures: Captures;
  /**
   * Reads the log and looks at the node. With `settling` it looks until that has settled. `stepId` is `start` before the
   * first step. Only one look runs at a time.
   */
  look(stepId: string, settling?: (seen: SeenNow) => Settling): Promise<NodeState>;
  /**
   * Executes one step and looks at its result until that has settled. Several steps may run at once. A background step
   * is looked at after a later step has waited for its end or killed it.
   */
  take(step: Step): Promise<void>;
  /** The first half of it: takes a step, and returns the look at what came of it, for the time when others are taken as well. */
  begin(step: Step): Promise<() => Promise<void>>;
  /** Kills all background steps. Returns whether there were any. */
  endBackground(): Promise<boolean>;
  /** After the last step: processes that steps have started may still end, and are then looked at again. */
  rest(stepId: string): Promise<void>;
}

export function createStepper(options: StepperOptions): Stepper {
  const { node, runtime, clock, artifact, observe, settleMs } = options;
  const { captures = new Captures(observe) } = options;
  const { logNodePath } = runtime.kind;
  const log = new LogReader(node, logNodePath);
  let before: Promise<NodeState> | undefined;
  /** so far; a reboot kills every step in the background */
  let reboots = 0;
  /** where in the log the previous and this step started */
  let begun = { before: 0, now: 0 };
  /** by name: background steps that are running or were not looked at since their end, and those that were */
  const inBackground = new Map<string, InBackground>();
  const looked = new Map<string, InBackground>();
  const listeners = new Map<string, RunningStep>();

  async function recordLook(stepId: string, state: NodeState): Promise<void> {
    const answered = !state.unseen.some(({ kind }) => kind === 'sandbox');
    const how = await runtime.state({ answered });
    // read last, so that it includes what was logged during the look
    observe({ kind: 'runtime-log', stepId, text: await log.next() });
    observe({ kind: 'look', stepId, state, runtime: how });
  }

  async function see(stepId: string): Promise<NodeState> {
    const state = await node.look();
    if (options.asksNetwork?.(stepId) !== true) return state;
    const status = await node.runtimeStatus();
    return { ...state, network: status.answered ? networkOf(status) : { unseen: status.why } };
  }

  async function lookNow(stepId: string): Promise<NodeState> {
    const state = await see(stepId);
    await recordLook(stepId, state);
    return state;
  }

  /** If there are several looks, the first and the last one are recorded. */
  async function lookUntilSettled(stepId: string, settling: (seen: SeenNow) => Settling): Promise<NodeState> {
    const first = { state: await lookNow(stepId), log: '' };
    const seeNow = async (): Promise<SeenNow> => ({ state: await see(stepId), log: await log.peek() });
    const last = await settle(first, { look: seeNow, settling, forMs: settleMs, clock });
    if (last !== first) await recordLook(stepId, last.state);
    return last.state;
  }

  function inTurn(next: () => Promise<NodeState>): Promise<NodeState> {
    const looked = before === undefined ? next() : before.then(next, next);
    looked.catch(() => undefined); // the caller gets the error
    before = looked;
    return looked;
  }
  const look: Stepper['look'] = (stepId, settling) =>
    inTurn(() => (settling === undefined ? lookNow(stepId) : lookUntilSettled(stepId, settling)));

  const contextOf = (
    { id: stepId, timeoutMs, pods, together = [] }: Step,
    { state, kill, onCommand }: { state: NodeState; kill?: AbortSignal; onCommand?: () => void },
  ): StepContext => ({
    node,
    runtime: {
      ...runtime,
      rebootNode: () => {
        reboots += 1;
        return runtime.rebootNode();
      },
    },
    clusterNode: options.clusterNode ?? NO_CLUSTER,
    pods,
    clock,
    stepId,
    timeoutMs,
    captures,
    before: state,
    artifact,
    observe,
    writeFiles: async (files) => {
      const absent = await node.writeFiles(files);
      const paths = (gone: boolean) =>
        files.filter((file) => 'remove' in file === gone).map(({ nodePath }) => nodePath);
      const removed = paths(true).filter((path) => !absent.includes(path));
      observe({ kind: 'files', stepId, written: paths(false), removed, absent });
      return absent;
    },
    readLog: () => node.readFile(logNodePath, begun.before),
    background: (name) => {
      const step = inBackground.get(name) ?? looked.get(name) ?? listeners.get(name);
      if (step === undefined) throw new NothingToActOn(`${name} was not started`);
      return step;
    },
    takeTogether: async () => {
      const taken = together.map(async (step) => {
        await perform(contextOf(step, { state }), step.action);
        observe({ kind: 'step-ended', stepId: step.id });
      });
      await Promise.allSettled(taken); // all running steps must end before a failure of the lab ends the run
      await Promise.all(taken);
      return together.map(({ id }) => id);
    },
    nameListener: (name, listener) => void listeners.set(name, listener),
    run: async (argv, { stdin, ...onBehalf }: RunOptions = {}) => {
      const rebootsBefore = reboots;
      const isKilled = () => kill?.aborted === true || reboots > rebootsBefore;
      if (isKilled()) throw new NothingToActOn('it was killed before its command began');
      const running = node.exec(argv, { timeoutMs, ...present({ stdin, kill }) });
      onCommand?.();
      const ended = await running;
      const killed = isKilled() && ended.signal === 'SIGKILL' && !ended.timedOut;
      const result: CommandResult = killed ? { ...ended, killed } : ended;
      observe({ kind: 'command', stepId, ...onBehalf, result });
      await notItsFault(node, result);
      return result;
    },
  });

  async function perform(context: StepContext, action: PlannedAction): Promise<void> {
    try {
      await takeStep(context, action);
    } catch (thrown) {
      if (!(thrown instanceof NothingToActOn) && !(thrown instanceof CannotStart)) throw thrown;
      const untried = thrown instanceof LabCannotDoIt;
      observe({
        kind: 'not-run',
        stepId: context.stepId,
        why: thrown.message,
        ...(untried ? { untried } : {}),
      });
    }
  }

  /** The look after a step, and the end of the step. */
  async function lookAfter(step: Step): Promise<void> {
    const { id, quietLog, together = [] } = step;
    if (quietLog === true) await log.quiet(clock);
    const { settling } = options;
    const state = await look(id, settling && ((seen) => settling(id, seen)));
    for (const { id: stepId, action } of [...together, step]) {
      const pod = podMadeBy(action);
      if (pod !== undefined) capturePod(captures, { stepId, pod, state });
    }
    observe({ kind: 'step-ended', stepId: id });
  }

  /** Returns when its command has started. */
  async function beginInBackground(step: Step, { name, state }: { name: string; state: NodeState }) {
    const killer = new AbortController();
    await new Promise<void>((begun, failed) => {
      const context = contextOf(step, { state, kill: killer.signal, onCommand: begun });
      const running: InBackground = {
        step,
        isOver: false,
        kill: () => killer.abort(),
        over: perform(context, step.action).finally(() => (running.isOver = true)),
      };
      inBackground.set(name, running);
      running.over.then(begun, failed);
    });
  }

  async function lookAfterBackground(name: string): Promise<void> {
    const running = inBackground.get(name);
    if (running?.isOver !== true) return;
    await running.over;
    inBackground.delete(name);
    looked.set(name, running);
    await lookAfter(running.step);
  }

  return {
    captures,
    look,
    async take(step) {
      const lookAtIt = await this.begin(step);
      await lookAtIt();
    },
    async begin(step) {
      const { action, background: name, together = [] } = step;
      const state = await (before ?? look('start'));
      begun = { before: begun.now, now: log.offset };
      // `parallel` starts last, because everything that cannot be assigned to one of its commands belongs to it: calls,
      // the end of the runtime
      for (const { id } of [...together, step]) observe({ kind: 'step-started', stepId: id });
      if (name !== undefined) {
        await beginInBackground(step, { name, state });
        return async () => undefined; // it is looked at when it is over
      }
      await perform(contextOf(step, { state }), action);
      const ended = backgroundEndedBy(action);
      if (ended !== undefined) await lookAfterBackground(ended);
      return () => lookAfter(step);
    },
    async endBackground() {
      const names = [...inBackground.keys()];
      for (const name of names) {
        inBackground.get(name)?.kill();
        await inBackground.get(name)?.over;
        await lookAfterBackground(name);
      }
      return names.length > 0;
    },
    async rest(stepId) {
      const last = await before;
      if (last === undefined || !leftRunning(last)) return;
      await settle(last, {
        look: () => node.look(),
        settling: (state) => (leftRunning(state) ? 'beyond' : 'settled'),
        forMs: settleMs,
        clock,
      });
      await log.quiet(clock);
      const { settling } = options;
      await look(stepId, settling && ((seen) => settling(stepId, seen)));
    },
  };
}

/** The language has no step that would ask it. */
const NO_CLUSTER: ClusterNode = {
  kubeletRuns: () => false,
  startKubelet: () => Promise.reject(new LabError('this node is in no cluster')),
  endKubelet: () => Promise.reject(new LabError('this node is in no cluster')),
  look: () => Promise.reject(new LabError('this node is in no cluster')),
};

interface InBackground extends RunningStep {
  readonly step: Step;
  isOver: boolean;
}

/**
 * Whether there is a process that belongs to no pod. A step or a plugin has started it, and it may still do something.
 */
const leftRunning = ({ items }: NodeState): boolean =>
  items.some(({ kind, detail }) => kind === 'process' && detail?.['id'] === undefined);

const QUIET_MS = 50;
const LONGEST_MS = 1000;

/** Reads the runtime log in pieces, only complete lines. */
class LogReader {
  readonly #node: LabNode;
  readonly #nodePath: string;
  /** bytes that were read so far */
  offset = 0;

  constructor(node: LabNode, nodePath: string) {
    this.#node = node;
    this.#nodePath = nodePath;
  }

  /** Waits until nothing has been written for a moment, because a log line may be written slightly after its cause. */
  async quiet(clock: Clock): Promise<void> {
    const untilMs = clock.now() + LONGEST_MS;
    let seen = -1;
    for (let waitMs = 0; clock.now() < untilMs; waitMs = QUIET_MS) {
      await clock.sleep(waitMs);
      const { length } = await this.#node.readFile(this.#nodePath, this.offset);
      if (length === seen) return;
      seen = length;
    }
  }

  async next(): Promise<string> {
    const whole = await this.peek();
    this.offset += bytesOfText(whole).length;
    return whole;
  }

  /** What `next` would return. */
  async peek(): Promise<string> {
    const text = await this.#node.readFile(this.#nodePath, this.offset);
    return text.slice(0, text.lastIndexOf('\n') + 1);
  }
}

const EFFECTS: VerbEffects<Verb> = {
  ...POD_EFFECTS,
  ...CONTAINER_EFFECTS,
  ...FILE_EFFECTS,
  ...PLUGIN_EFFECTS,
  ...RUNTIME_EFFECTS,
  ...COMMAND_EFFECTS,
  ...CNI_CALL_EFFECTS,
  ...CLUSTER_EFFECTS,
  ...WAITING_EFFECTS,
};

/** Executes one action on the node. Throws NothingToActOn if the system under test has left nothing to act on. */
export async function takeStep(context: StepContext, action: PlannedAction): Promise<void> {
  if (specOf(action).needsRuntime === true) await askable(context);
  // the tag that selects the function also types the action, but TypeScript cannot follow that across a union
  const take = EFFECTS[action.do] as (context: StepContext, action: PlannedAction) => Promise<void>;
  await take(context, action);
}
