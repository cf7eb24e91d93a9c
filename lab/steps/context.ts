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

/** What a step can use. It reports its observations through `observe` and decides nothing. */
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
  /** the state after the previous step, or at the start */
  readonly before: NodeState;
  /** a component of the plan, from the cache */
  readonly artifact: (ref: ComponentRef) => Artifact;
  readonly observe: (observation: Observation) => void;
  /** Writes or removes files on the node, and observes that. Returns those that must exist but do not. */
  readonly writeFiles: (files: readonly NodeFile[]) => Promise<readonly string[]>;
  /** the runtime log since the start of the previous step, because it may already contain what that step has caused */
  readLog(): Promise<string>;
  /** a step in the background, or a listener, by its name */
  background(name: string): RunningStep;
  /** Starts all steps of a `parallel` at once, and returns their ids when the last one has ended. */
  takeTogether(): Promise<readonly string[]>;
  /** Names a listener, so that a later step can kill it. */
  readonly nameListener: (name: string, listener: RunningStep) => void;
  /** Runs a command on the node and observes it. */
  run(argv: readonly string[], options?: RunOptions): Promise<CommandResult>;
}

/** A step or a listener that continues while other steps are executed. */
export interface RunningStep {
  readonly isOver: boolean;
  /** rejected if the lab cannot do its part */
  readonly over: Promise<void>;
  /** Kills its command and all processes that it started. Does nothing after its end. */
  kill(): void;
}

export interface RunOptions {
  readonly pod?: string;
  readonly container?: string;
  /** the CRI id of what the command is about, if it is already known */
  readonly id?: string;
  readonly stdin?: string;
}

/**
 * What verbs do to a node: the other half of a `VerbSpec`. Throws NothingToActOn if the system under test has left
 * nothing to act on.
 */
export type VerbEffects<V extends Verb> = {
  readonly [D in V]: (context: StepContext, action: Extract<PlannedAction, { do: D }>) => Promise<void>;
};

/**
 * The step cannot be executed: there is nothing to act on, no runtime to ask, or nothing could be observed. It is
 * recorded as not run.
 */
export class NothingToActOn extends Error {
  override readonly name: string = 'NothingToActOn';
}

/** The lab lacks something that the step needs. So what is expected of this step and of later ones was not tried. */
export class LabCannotDoIt extends NothingToActOn {
  override readonly name = 'LabCannotDoIt';
}
