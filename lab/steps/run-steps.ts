import type { Artifact } from '../artifacts/artifact.ts';
import type { NodeState } from '../core/node-state.ts';
import type { Clock } from '../core/ports.ts';
import { CONTAINERD_LOG, type Containerd } from '../nodes/containerd.ts';
import type { LabNode } from '../nodes/node.ts';
import type { Observation } from '../observe/observation.ts';
import type { ComponentRef } from '../plan/components.ts';
import type { PlannedStep, RunPlan } from '../plan/plan.ts';
import { capturePod, Captures } from './captures.ts';
import type { RunOptions, StepContext } from './context.ts';
import { NothingToActOn } from './nothing-to-act-on.ts';
import { takeStep } from './take-step.ts';

export interface StepsOptions {
  readonly run: RunPlan;
  readonly node: LabNode;
  readonly containerd: Containerd;
  readonly clock: Clock;
  readonly artifact: (ref: ComponentRef) => Artifact;
  readonly observe: (observation: Observation) => void;
  readonly signal: AbortSignal;
}

/** Takes the steps of a run one by one; after each, and before the first, it reads the log and looks at the node. */
export async function runSteps({
  run,
  node,
  containerd,
  clock,
  artifact,
  observe,
  signal,
}: StepsOptions): Promise<void> {
  const captures = new Captures(observe);
  const log = new LogReader(node);

  const lookAt = async (stepId: string): Promise<NodeState> => {
    const [text, state] = await Promise.all([log.next(), node.look()]);
    if (text !== '') observe({ kind: 'containerd-log', stepId, text });
    observe({ kind: 'look', stepId, state });
    return state;
  };

  let before = await lookAt('start');
  for (const step of run.steps) {
    signal.throwIfAborted();
    observe({ kind: 'step-started', stepId: step.id });
    const context = contextOf(step, before);
    try {
      await takeStep(context, step.action);
    } catch (thrown) {
      if (!(thrown instanceof NothingToActOn)) throw thrown;
      observe({ kind: 'not-run', stepId: step.id, why: thrown.message });
    }
    before = await lookAt(step.id);
    if (step.action.do === 'run-pod')
      capturePod(captures, { stepId: step.id, pod: step.action.pod, state: before });
    observe({ kind: 'step-ended', stepId: step.id });
  }

  function contextOf(step: PlannedStep, state: NodeState): StepContext {
    const stepId = step.id;
    return {
      node,
      containerd,
      pods: run.pods,
      clock,
      stepId,
      timeoutMs: step.timeoutMs,
      captures,
      before: state,
      artifact,
      observe,
      readLog: () => node.readFile(CONTAINERD_LOG, log.offset),
      run: async (argv, { stdin, ...onBehalf }: RunOptions = {}) => {
        const result = await node.exec(argv, {
          timeoutMs: step.timeoutMs,
          ...(stdin === undefined ? {} : { stdin }),
        });
        observe({ kind: 'command', stepId, ...onBehalf, result });
        return result;
      },
    };
  }
}

/** Reads containerd's log piece by piece, whole lines only. */
class LogReader {
  readonly #node: LabNode;
  /** bytes that were read so far */
  offset = 0;

  constructor(node: LabNode) {
    this.#node = node;
  }

  async next(): Promise<string> {
    const text = await this.#node.readFile(CONTAINERD_LOG, this.offset);
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    this.offset += Buffer.byteLength(whole);
    return whole;
  }
}
