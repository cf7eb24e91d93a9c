import type { Artifact } from '../artifacts/artifact.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Ensured } from '../artifacts/ensure.ts';
import { describeComponent, pluginRefs, type ComponentRef } from '../core/components.ts';
import type { NodeParts } from '../nodes/bring-up.ts';
import { clusterRefs, type NodeRun, type NodePlan, type Plan, type RunPlan } from '../plan/plan.ts';
import { containerMadeBy, specOf } from '../spec/verbs/verbs.ts';
import { pluginArtifacts } from '../steps/plugins.ts';
import type { LabEvent } from '../events.ts';

/**
 * What nodes have beside components: images, because no registry is used, and the recorder. It is the same for all runs
 * of a session.
 */
export interface LabImages {
  readonly pause: Artifact;
  /** only if some run creates containers */
  readonly app?: Artifact;
  /** only if some run records plugin calls */
  readonly recorder?: Artifact;
  /** those of the user, by the path of the archive */
  readonly archives: ReadonlyMap<string, Artifact>;
}

export async function labImages(
  { runs, containers = runs.some(wantsContainers) }: Pick<Plan, 'runs'> & { readonly containers?: boolean },
  artifacts: Artifacts,
  signal: AbortSignal,
): Promise<LabImages> {
  const paths = new Set(runs.flatMap(({ nodes }) => nodes.flatMap(({ images = [] }) => images)));
  const archives: [string, Artifact][] = [];
  for (const path of paths) archives.push([path, await artifacts.ensureImage(path, signal)]);
  return {
    pause: await artifacts.ensureOwn('pause-image', signal),
    ...(containers ? { app: await artifacts.ensureOwn('app-image', signal) } : {}),
    ...(runs.some(isRecorded) ? { recorder: await artifacts.ensureOwn('node-tools', signal) } : {}),
    archives: new Map(archives),
  };
}

export function partsOf(
  run: NodeRun,
  { images, artifact }: { images: LabImages; artifact: (ref: ComponentRef) => Artifact },
): NodeParts {
  const { pause, app, recorder, archives } = images;
  return {
    runtime: artifact(run.node.runtime),
    runc: artifact(run.node.runc),
    crictl: artifact(run.node.crictl),
    plugins: pluginArtifacts(run.node.plugins, artifact),
    images: [pause, ...(app !== undefined && wantsContainers(run) ? [app] : [])],
    ownImages: (run.node.images ?? []).flatMap((path) => archives.get(path) ?? []),
    ...(run.node.record === true && recorder !== undefined ? { recorder } : {}),
    later: [...clusterRefs(run), ...stepRefs(run)].map(artifact),
  };
}

/** Whether the app image is needed; the pods of a cluster have no other one. */
const wantsContainers = ({ cluster, steps }: Pick<RunPlan, 'cluster' | 'steps'>): boolean =>
  cluster !== undefined || steps.some(({ action }) => containerMadeBy(action) !== undefined);

/** Whether plugin calls are recorded on some node. */
const isRecorded = ({ nodes }: Pick<RunPlan, 'nodes'>): boolean =>
  nodes.some(({ record }) => record === true);

/** Every component in a plan, of nodes and of steps. */
export const refsOf = (plan: Plan): readonly ComponentRef[] => plan.runs.flatMap(refsOfRun);

const refsOfRun = (run: RunPlan): readonly ComponentRef[] => [
  ...run.nodes.flatMap(nodeRefs),
  ...clusterRefs(run),
  ...stepRefs(run),
];

/** Whether a run cannot take place because some of its components are not available. */
export const lacksSomething = (run: RunPlan, { lost }: Ensured): boolean => {
  const names = new Set(lost.map(({ ref }) => describeComponent(ref)));
  return refsOfRun(run).some((ref) => names.has(describeComponent(ref)));
};

const stepRefs = ({ steps }: Pick<RunPlan, 'steps'>): readonly ComponentRef[] =>
  steps.flatMap(({ action }) => specOf(action).components?.(action) ?? []);

const nodeRefs = ({ runtime, runc, crictl, plugins }: NodePlan): readonly ComponentRef[] => [
  runtime,
  runc,
  crictl,
  ...pluginRefs(plugins),
];

export interface EventBuffer {
  readonly emit: (event: LabEvent) => void;
  /** Passes on all events so far, in order, and then each new one. */
  forwardTo(reporters: { readonly emit: (event: LabEvent) => void }): void;
}

/** Keeps events until there are reporters. */
export function createEventBuffer(): EventBuffer {
  const kept: LabEvent[] = [];
  let to: ((event: LabEvent) => void) | undefined;
  return {
    emit: (event) => {
      if (to === undefined) kept.push(event);
      else to(event);
    },
    forwardTo(reporters) {
      to = reporters.emit;
      for (const event of kept.splice(0)) to(event);
    },
  };
}
