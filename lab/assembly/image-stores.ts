import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Recipe } from '../artifacts/artifact.ts';
import { LabError } from '../core/lab-error.ts';
import type { Clock } from '../core/ports.ts';
import type { Runtime } from '../core/runtime.ts';
import type { NodeParts } from '../nodes/bring-up.ts';
import { imageStoreRecipe } from '../nodes/image-store.ts';
import type { NodeMaker } from '../nodes/node.ts';
import type { NodeRun, NodePlan } from '../plan/plan.ts';
import { RUNTIMES } from './runtimes.ts';

export interface ImageStoresOptions {
  readonly maker: NodeMaker;
  readonly artifacts: Artifacts;
  /** name of the node that a store is made on; unique on this host */
  readonly nodeName: string;
  readonly clock: Clock;
}

/** Prepared results of image imports. A node that starts with one need not import its images. */
export interface ImageStores {
  /** The parts with the store for this node, if one was made earlier. */
  addTo(run: NodeRun, parts: NodeParts): Promise<NodeParts>;
  /** Makes the missing stores, for later runs. A store is only an optimisation, so failures are ignored. */
  makeMissing(signal: AbortSignal): Promise<void>;
}

export function imageStores({ maker, artifacts, nodeName, clock }: ImageStoresOptions): ImageStores {
  const missing: Recipe[] = [];
  const recipeOf = ({ node }: NodeRun, parts: NodeParts) => {
    const runtime = RUNTIMES[node.runtime.component];
    // only such a node has the store without copying; with another configuration the directory or snapshotter may
    // differ
    const isOfUse = maker.seesCache === true && isConfiguredByLab(node, runtime);
    return isOfUse ? imageStoreRecipe({ maker, nodeName, plan: node, runtime, parts, clock }) : undefined;
  };
  return {
    async addTo(run, parts) {
      const recipe = recipeOf(run, parts);
      if (recipe === undefined) return parts;
      const imageStore = await artifacts.find(recipe);
      if (imageStore === undefined) missing.push(recipe);
      return imageStore === undefined ? parts : { ...parts, imageStore };
    },
    async makeMissing(signal) {
      for (const recipe of missing.splice(0)) {
        if (signal.aborted) return;
        await artifacts.make(recipe, signal).catch((thrown: unknown) => {
          if (!(thrown instanceof LabError)) throw thrown;
        });
      }
    },
  };
}

const isConfiguredByLab = (
  { runtimeConfig, files }: NodePlan,
  { configNodePath, imageStore }: Runtime,
): boolean =>
  Object.keys(runtimeConfig).length === 0 &&
  files.every(({ name }) => !name.startsWith(configNodePath) && !name.startsWith(`${imageStore.folder}/`));
