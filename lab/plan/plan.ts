import type { NodeLimits, SystemCalls } from '../core/node-state.ts';
import type { JsonObject } from '../core/content.ts';
import type { Control, Expectation, FileSpec, PodSpec } from '../spec/scenario.ts';
import type { Place } from '../spec/diagnostic.ts';
import type { ComponentRef, PluginsPlan, RuntimeRef } from '../core/components.ts';
import type { PlannedAction } from '../spec/verbs/verbs.ts';

/** Everything that a command line requests, as data: what would run, cell by cell. */
export interface Plan {
  /** of this format, which is also the format of `plan.json` in a recorded run: docs/journal.md */
  readonly formatVersion: 3;
  readonly runs: readonly RunPlan[];
}

/**
 * One cell of the matrix of one scenario: one run on its own fresh nodes, usually one node. All `${matrix.…}` are
 * filled in.
 */
export interface RunPlan {
  /** scenario and cell, for people: `incompatible-version containerd=1.6.0` */
  readonly title: string;
  /** the same as a file name, unique in the plan: `incompatible-version.containerd-1.6.0` */
  readonly slug: string;
  readonly scenario: { readonly name: string; readonly summary: string; readonly place: Place };
  /** the complete file, for readers of a report; missing in older records */
  readonly scenarioText?: string;
  readonly control?: Control;
  readonly cell: Readonly<Record<string, string>>;
  /** one node without a name, or several nodes with names */
  readonly nodes: readonly PlannedNode[];
  /** Kubernetes on these nodes; missing: they have none */
  readonly cluster?: ClusterPlan;
  readonly pods: readonly PodSpec[];
  readonly steps: readonly PlannedStep[];
}

/** What runs on the nodes of a cluster. The first node of the run is its control plane. */
export interface ClusterPlan {
  readonly kubernetes: ComponentRef;
  readonly etcd: ComponentRef;
  /** the names of its other nodes */
  readonly workers: readonly string[];
}

/** The components of a cluster; none for a run without one. */
export const clusterRefs = ({ cluster }: Pick<RunPlan, 'cluster'>): readonly ComponentRef[] =>
  cluster === undefined ? [] : [cluster.kubernetes, cluster.etcd];

/** What names a run and its place in a matrix. It is small: a report of many runs keeps this of each, and no steps. */
export interface RunHead extends Pick<RunPlan, 'title' | 'slug' | 'scenario' | 'control' | 'cell'> {
  readonly nodes: readonly Pick<PlannedNode, 'runtime'>[];
}

/** The head of a run, so that the rest of its plan can be dropped. */
export const headOf = ({ title, slug, scenario, control, cell, nodes }: RunPlan): RunHead => ({
  title,
  slug,
  scenario,
  ...(control === undefined ? {} : { control }),
  cell,
  nodes: nodes.map(({ runtime }) => ({ runtime })),
});

export interface PlannedNode extends NodePlan {
  readonly name?: string;
  /** for the start of the runtime, which has the id `start` in the journal; if missing, it must run */
  readonly start?: Expectation;
  /** for the state after the last step, which has the id `end` in the journal */
  readonly end?: Expectation;
}

export interface NodePlan {
  readonly runtime: RuntimeRef;
  readonly runc: ComponentRef;
  readonly crictl: ComponentRef;
  readonly plugins: PluginsPlan;
  /** merged over the lab's own configuration of the runtime; as in the file */
  readonly runtimeConfig: JsonObject;
  /** its place in the file, if it has one */
  readonly runtimeConfigPlace?: Place;
  readonly cniConfig: readonly FileSpec[];
  readonly files: readonly FileSpec[];
  /** archives of images, by absolute path */
  readonly images?: readonly string[];
  readonly limits?: NodeLimits;
  readonly systemCalls?: SystemCalls;
  /** whether plugin calls are recorded; missing: no */
  readonly record?: true;
}

/** Whether an expectation is about plugin calls or changes of namespaces, which must then be recorded. */
export const speaksOfCalls = ({
  calls = [],
  noCalls = [],
  callOrder = [],
  netns,
}: Partial<Expectation> = {}): boolean =>
  netns !== undefined || calls.length + noCalls.length + callOrder.length > 0;

/** Whether any expectation is about the plugin calls of a node. */
export const needsRecorder = (
  { name, start, end }: Pick<PlannedNode, 'name' | 'start' | 'end'>,
  steps: readonly Pick<PlannedStep, 'on' | 'expect'>[],
): boolean =>
  [start, end, ...steps.filter(({ on }) => on === name).map(({ expect }) => expect)].some(speaksOfCalls);

export interface PlannedStep {
  /**
   * its position in the file and its verb, including steps that are not part of the cell: `2-stop-pod`, `3.1-run-pod`.
   * It is the same in journal, verdict and JUnit.
   */
  readonly id: string;
  /**
   * the `parallel` step that starts it together with the preceding steps of that `parallel`, and looks at the node for
   * all of them
   */
  readonly within?: string;
  readonly place: Place;
  /** the node, if there are several */
  readonly on?: string;
  readonly action: PlannedAction;
  /** it continues under this name until a later step waits for its end or kills it, or until the end of the run */
  readonly background?: string;
  readonly timeoutMs: number;
  /** of the author, for readers */
  readonly note?: string;
  /** the only branch that applies to this cell */
  readonly expect: Expectation;
}

/**
 * A run from the point of view of one of its nodes: the node, its steps, and its expectations at the start and at the
 * end.
 */
export interface NodeRun
  extends Pick<RunPlan, 'scenario' | 'cluster' | 'pods' | 'steps'>, Pick<PlannedNode, 'start' | 'end'> {
  /** missing where there is one node, which has no name */
  readonly name?: string;
  readonly node: PlannedNode;
}

/** In the order of the file. */
export const nodeRuns = ({ scenario, nodes, cluster, pods, steps }: RunPlan): readonly NodeRun[] =>
  nodes.map((node) => ({
    ...(node.name === undefined ? {} : { name: node.name }),
    ...(node.start === undefined ? {} : { start: node.start }),
    ...(node.end === undefined ? {} : { end: node.end }),
    scenario,
    ...(cluster === undefined ? {} : { cluster }),
    pods,
    node,
    steps: steps.filter(({ on }) => on === node.name),
  }));

/** The node on which a step is executed. A plan with an unknown name is a bug in the lab. */
export function runOn<T extends Pick<NodeRun, 'name'>>(nodes: readonly T[], name: string | undefined): T {
  const found = nodes.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no node ${name ?? 'without a name'}`);
  return found;
}
