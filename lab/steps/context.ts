import type { CommandResult, Clock } from '../core/ports.ts';
import type { NodeState } from '../core/node-state.ts';
import type { ComponentRef } from '../core/components.ts';
import type { Artifact } from '../artifacts/artifact.ts';
import type { NodeRuntime } from '../nodes/node-runtime.ts';
import type { ClusterNode } from '../nodes/cluster/cluster.ts';
import type { LabNode, NodeFile } from '../nodes/node.ts';
import type { Observation } from '../observe/observation.ts';
import type { PodSpec } from '../spec/scenario.ts';
import type { PlannedAction, Verb } from '../spec/verbs/verbs.ts';
import type { Captures } from './captures.ts';

/** What a step may use. It reports what it sees through `observe` and decides nothing. */
export interface StepContext {
  readonly node: LabNode;
  readonly runtime: NodeRuntime;
  /** of a node of a cluster. A step that needs it stands in no other file. */
  readonly clusterNode: ClusterNode;
  readonly pods: readonly PodSpec[];
  readonly clock: Clock;
  readonly stepId: string;
  readonly timeoutMs: number;
  readonly captures: Captures;
  /** the state after the step before this one, or at the start */
  readonly before: NodeState;
  /** a component of the plan, from the cache */
  readonly artifact: (ref: ComponentRef) => Artifact;
  readonly observe: (observation: Observation) => void;
  /** Writes files on the node, or takes them away, and observes it; returns those that must exist and do not. */
  readonly writeFiles: (files: readonly NodeFile[]) => Promise<readonly string[]>;
  /** the runtime's log since the step before this one began: what a step has just caused may be in it already */
  readLog(): Promise<string>;
  /** a step that goes on in the background, or a listener, by its name */
  background(name: string): RunningStep;
  /** Starts all steps of a `parallel` at once, and returns their ids when the last has ended. */
  takeTogether(): Promise<readonly string[]>;
  /** Names a listener, so that a later step can kill it. */
  readonly nameListener: (name: string, listener: RunningStep) => void;
  /** Runs a command on the node and observes it. */
  run(argv: readonly string[], options?: RunOptions): Promise<CommandResult>;
}

/** A step, or a listener, that goes on while others are taken. */
export interface RunningStep {
  readonly isOver: boolean;
  /** rejected by what keeps the lab from doing its part */
  readonly over: Promise<void>;
  /** Kills its command, and all that this has started; a no-op once it is over. */
  kill(): void;
}

export interface RunOptions {
  readonly pod?: string;
  readonly container?: string;
  /** CRI's id of what the command is about, where it is known before */
  readonly id?: string;
  readonly stdin?: string;
}

/**
 * What verbs do to a node: the other half of a `VerbSpec`. Throws NothingToActOn where the system under test left nothing to do
 * it to.
 */
export type VerbEffects<V extends Verb> = {
  readonly [D in V]: (context: StepContext, action: Extract<PlannedAction, { do: D }>) => Promise<void>;
};

/** The step cannot be taken: nothing to act on, nobody to ask, nothing that could be seen; it is observed as not run. */
export class NothingToActOn extends Error {
  override readonly name = 'NothingToActOn';
}
