import { nodeRuns, runOn, type NodeRun, type PlannedStep, type RunPlan } from '../plan/plan.ts';
import type { Cluster } from '../nodes/cluster/cluster.ts';
import type { ObservedOn, Observation } from '../observe/observation.ts';
import type { Expectation } from '../spec/scenario.ts';
import { Captures } from './captures.ts';
import { createStepper, type SeenNow, type Stepper, type StepperOptions } from './stepper.ts';
import type { Settling } from './settle.ts';

/** A running node, with its name in the scenario. */
export interface NodeUp extends Pick<StepperOptions, 'node' | 'runtime'> {
  readonly name?: string;
}

export interface StepsOptions extends Pick<StepperOptions, 'clock' | 'artifact' | 'settleMs'> {
  readonly run: RunPlan;
  readonly nodes: readonly NodeUp[];
  /** Kubernetes on these nodes; it is looked at after each step, too */
  readonly cluster?: Cluster;
  readonly observe: (observation: Observation & ObservedOn) => void;
  /** like that of a stepper, for a node by its name */
  readonly settling: (stepId: string, seen: SeenNow, on: string | undefined) => Settling;
  readonly signal: AbortSignal;
}

/**
 * Takes the steps of a run one by one, each on its node. After each, and before the first, it reads the log of that node and
 * looks at it. Steps that are started at the same time may be on several nodes, which are looked at when all have ended. At
 * the end it kills what runs in the background, and looks once more at the nodes that it did not look at last.
 */
export async function runSteps(options: StepsOptions): Promise<void> {
  const { run, nodes, cluster, observe, signal, settling, ...common } = options;
  const own = nodeRuns(run);
  const last = run.steps.at(-1);
  const known = new Map<string, string>();
  const steppers = nodes.map((up) => {
    const observeOn = (observation: Observation) => observe({ ...observation, ...onNode(up.name) });
    const stepper = createStepper({
      ...common,
      ...up,
      ...(cluster === undefined || up.name === undefined ? {} : { clusterNode: cluster.node(up.name) }),
      captures: new Captures(observeOn, known),
      settling: (stepId, seen) => settling(stepId, seen, up.name),
      asksNetwork: (stepId) => speaksOfNetwork(stepId, { ...runOn(own, up.name), last }),
      observe: observeOn,
    });
    return { ...(up.name === undefined ? {} : { name: up.name }), stepper };
  });
  const lookAtCluster = async (stepId: string): Promise<void> => {
    if (cluster !== undefined) observe({ kind: 'cluster-look', stepId, cluster: await cluster.look() });
  };
  for (const { stepper } of steppers) await stepper.look('start');
  await lookAtCluster('start');
  const begin = (step: PlannedStep) => {
    const { on } = step;
    const { pods } = run;
    const { steps, end } = runOn(own, on);
    const next = steps.slice(steps.indexOf(step) + 1).find(({ within }) => within === undefined);
    const quietLog = speaksOfLog(step.expect) || speaksOfLog(next?.expect ?? end);
    const together = steps.filter(({ within }) => within === step.id).map((one) => ({ ...one, pods }));
    return runOn(steppers, on).stepper.begin({ ...step, pods, quietLog, together });
  };
  for (const atOnce of stepsAtOnce(run)) {
    signal.throwIfAborted();
    const begun = atOnce.map(begin);
    await Promise.allSettled(begun); // what is under way still ends before a failure of the lab ends the run
    for (const look of await Promise.all(begun)) await look();
    const [first] = atOnce;
    if (first !== undefined) await lookAtCluster(first.id);
  }
  signal.throwIfAborted();
  if (last === undefined) return;
  const ended = new Set<Stepper>();
  for (const { stepper } of steppers) if (await stepper.endBackground()) ended.add(stepper);
  await runOn(steppers, last.on).stepper.rest(last.id);
  for (const { name, stepper } of steppers)
    if (name !== last.on || ended.has(stepper))
      await stepper.look('end', (seen) => settling('end', seen, name));
  await lookAtCluster('end');
}

/** One by one, but a `parallel` with steps on several nodes on all of these at once. What it starts is left to it. */
function stepsAtOnce({ steps }: RunPlan): readonly (readonly PlannedStep[])[] {
  const own = steps.filter(({ within }) => within === undefined);
  return own.flatMap((step, index) =>
    own[index - 1]?.id === step.id ? [] : [own.filter(({ id }) => id === step.id)],
  );
}

const onNode = (node: string | undefined): ObservedOn => (node === undefined ? {} : { node });

/** Whether the look after a step, or the last look at a node, has an expectation on NetworkReady of CRI. */
const speaksOfNetwork = (
  stepId: string,
  { start, steps, end, last }: NodeRun & { readonly last: PlannedStep | undefined },
): boolean =>
  [
    stepId === 'start' ? start : steps.find(({ id }) => id === stepId)?.expect,
    stepId === 'end' || stepId === last?.id ? end : undefined,
  ].some((expect) => expect?.networkReady !== undefined);

/** If it has, its lines must be distinguishable from those of the previous step. */
const speaksOfLog = (expect: Expectation | undefined): boolean =>
  expect !== undefined && (expect.log.length > 0 || expect.noLog.length > 0);
