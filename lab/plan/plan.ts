import type { NodeLimits, SystemCalls } from '../core/node-state.ts';
import type { JsonObject } from '../core/content.ts';
import type { Control, Expectation, FileSpec, PodSpec } from '../spec/scenario.ts';
import type { Place } from '../spec/diagnostic.ts';
import type { ComponentRef, PluginsPlan, RuntimeRef } from '../core/components.ts';
import type { PlannedAction } from '../spec/verbs/verbs.ts';

/** Everything that a command line asks for, as data: what would run, cell by cell. */
export interface Plan {
  /** of this format, which is also that of `plan.json` in a recorded run: docs/journal.md */
  readonly formatVersion: 3;
  readonly runs: readonly RunPlan[];
}

/** One cell of one scenario's matrix: one run on fresh nodes of its own, most often on one. All `${matrix.…}` are filled in. */
export interface RunPlan {
  /** scenario and cell, for people: `incompatible-version containerd=1.6.0` */
  readonly title: string;
  /** the same as one file name, unique in the plan: `incompatible-version.containerd-1.6.0` */
  readonly slug: string;
  readonly scenario: { readonly name: string; readonly summary: string; readonly place: Place };
  /** the whole file, for readers of a report; missing in older records */
  readonly scenarioText?: string;
  readonly control?: Control;
  readonly cell: Readonly<Record<string, string>>;
  /** one without a name, or several with one each */
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

/** What names a run and its place in a matrix. It is small: a report of many runs keeps this of each, and no steps. */
export interface RunHead extends Pick<RunPlan, 'title' | 'slug' | 'scenario' | 'control' | 'cell'> {
  readonly nodes: readonly Pick<PlannedNode, 'runtime'>[];
}

/** The head of a run alone, so that the rest of its plan can be forgotten. */
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
  /** on the start of the runtime; missing: it runs. Its id in the journal is `start` */
  readonly start?: Expectation;
  /** holds after the last step of the run; its id in the journal is `end` */
  readonly end?: Expectation;
}

export interface NodePlan {
  readonly runtime: RuntimeRef;
  readonly runc: ComponentRef;
  readonly crictl: ComponentRef;
  readonly plugins: PluginsPlan;
  /** laid over the lab's own configuration of the runtime, as the file says it */
  readonly runtimeConfig: JsonObject;
  /** where the file has that, if it does */
  readonly runtimeConfigPlace?: Place;
  readonly cniConfig: readonly FileSpec[];
  readonly files: readonly FileSpec[];
  readonly limits?: NodeLimits;
  readonly systemCalls?: SystemCalls;
  /** whether plugin calls are recorded; missing: no */
  readonly record?: true;
}

/** Whether an expectation speaks of plugin calls or of namespaces that come and go, which have to be recorded then. */
export const speaksOfCalls = ({
  calls = [],
  noCalls = [],
  callOrder = [],
  netns,
}: Partial<Expectation> = {}): boolean =>
  netns !== undefined || calls.length + noCalls.length + callOrder.length > 0;

/** Whether something is expected of the plugin calls of a node. */
export const needsRecorder = (
  { name, start, end }: Pick<PlannedNode, 'name' | 'start' | 'end'>,
  steps: readonly Pick<PlannedStep, 'on' | 'expect'>[],
): boolean =>
  [start, end, ...steps.filter(({ on }) => on === name).map(({ expect }) => expect)].some(speaksOfCalls);

export interface PlannedStep {
  /** its place in the file and its word, whatever steps a cell does without: `2-stop-pod`, `3.1-run-pod`. The same in journal, verdict and JUnit. */
  readonly id: string;
  /** the `parallel` step that starts it, with those before it that have the same, and looks at the node for all of them */
  readonly within?: string;
  readonly place: Place;
  /** the node, where there are several */
  readonly on?: string;
  readonly action: PlannedAction;
  /** it goes on under this name until a later step waits for its end or kills it, or until the end of the run */
  readonly background?: string;
  readonly timeoutMs: number;
  /** of the author, for readers */
  readonly note?: string;
  /** the one branch that applies to this cell */
  readonly expect: Expectation;
}

/** A run as one of its nodes has it: that node, its steps, and what is expected of it at the start and at the end. */
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

/** The node that a step is taken on. A plan that names another one is a mistake in the lab. */
export function runOn<T extends Pick<NodeRun, 'name'>>(nodes: readonly T[], name: string | undefined): T {
  const found = nodes.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no node ${name ?? 'without a name'}`);
  return found;
}
