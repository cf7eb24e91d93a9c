import type { Artifact } from '../artifacts/artifact.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Ensured } from '../artifacts/ensure.ts';
import { describeComponent, pluginRefs, type ComponentRef } from '../core/components.ts';
import type { Clock } from '../core/ports.ts';
import type { NodeParts } from '../nodes/bring-up.ts';
import { imageStoreRecipe } from '../nodes/image-store.ts';
import type { NodeMaker } from '../nodes/node.ts';
import type { Runtime } from '../core/runtime.ts';
import type { NodeRun } from '../plan/node-run.ts';
import type { NodePlan, Plan, RunPlan } from '../plan/plan.ts';
import { containerMadeBy, specOf } from '../spec/verbs/verbs.ts';
import { RUNTIMES } from './runtimes.ts';
import { pluginArtifacts } from '../steps/plugins.ts';

/** The images that nodes have, as no registry is asked: the same for all runs of a session. */
export interface LabImages {
  readonly pause: Artifact;
  /** only where some run creates containers */
  readonly app?: Artifact;
}

export async function labImages(
  { containers }: { containers: boolean },
  artifacts: Artifacts,
  signal: AbortSignal,
): Promise<LabImages> {
  return {
    pause: await artifacts.ensureOwn('pause-image', signal),
    ...(containers ? { app: await artifacts.ensureOwn('app-image', signal) } : {}),
  };
}

export function partsOf(
  run: NodeRun,
  { images, artifact }: { images: LabImages; artifact: (ref: ComponentRef) => Artifact },
): NodeParts {
  const { pause, app } = images;
  return {
    runtime: artifact(run.node.runtime),
    runc: artifact(run.node.runc),
    crictl: artifact(run.node.crictl),
    plugins: pluginArtifacts(run.node.plugins, artifact),
    images: [pause, ...(app !== undefined && wantsContainers(run) ? [app] : [])],
    later: stepRefs(run).map(artifact),
  };
}

export const wantsContainers = ({ steps }: Pick<RunPlan, 'steps'>): boolean =>
  steps.some(({ action }) => containerMadeBy(action) !== undefined);

/** Every component that a plan names, in nodes and in steps. */
export const refsOf = (plan: Plan): readonly ComponentRef[] => plan.runs.flatMap(refsOfRun);

const refsOfRun = (run: RunPlan): readonly ComponentRef[] => [
  ...run.nodes.flatMap(nodeRefs),
  ...stepRefs(run),
];

/** The run cannot take place, as some component of it is not available. */
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

export interface ImageStoreOptions {
  readonly run: NodeRun;
  readonly parts: () => NodeParts;
  readonly maker: NodeMaker;
  readonly artifacts: Artifacts;
  readonly nodeName: string;
  readonly clock: Clock;
}

/** The images of a run as an import leaves them. It is made after a run that passed without, for those that come later. */
export interface RunImageStore {
  addTo(parts: NodeParts): Promise<NodeParts>;
  /** A no-op where it is there, or of no use. */
  make(signal: AbortSignal): Promise<void>;
}

export function imageStoreOf({
  run,
  parts,
  maker,
  artifacts,
  nodeName,
  clock,
}: ImageStoreOptions): RunImageStore {
  const runtime = RUNTIMES[run.node.runtime.component];
  const isOfUse = maker.seesCache === true && isConfiguredByLab(run.node, runtime);
  const recipe = (parts: NodeParts) =>
    imageStoreRecipe({ maker, nodeName, plan: run.node, runtime, parts, clock });
  return {
    async addTo(parts) {
      const imageStore = isOfUse ? await artifacts.find(recipe(parts)) : undefined;
      return imageStore === undefined ? parts : { ...parts, imageStore };
    },
    async make(signal) {
      if (!isOfUse || signal.aborted) return;
      if ((await artifacts.find(recipe(parts()))) === undefined)
        await artifacts.make(recipe(parts()), signal);
    },
  };
}

/** Another configuration may name another folder for images, or another snapshotter. */
const isConfiguredByLab = (
  { runtimeConfig, files }: NodePlan,
  { configNodePath, imageStore }: Runtime,
): boolean =>
  Object.keys(runtimeConfig).length === 0 &&
  files.every(({ name }) => !name.startsWith(configNodePath) && !name.startsWith(`${imageStore.folder}/`));
