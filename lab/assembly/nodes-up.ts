import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Backend, NodeOnHost } from '../nodes/node.ts';
import { createBackends } from './backends.ts';
import type { World } from './world.ts';

/** A node that is up, and what can end and enter it. */
export interface FoundNode extends NodeOnHost {
  readonly backend: Backend;
}

/** Every node that is up, on whatever backend. */
export async function nodesUp(world: World): Promise<readonly FoundNode[]> {
  const found = createBackends(world).map(async (backend) =>
    (await backend.nodes()).map((node) => ({ ...node, backend })),
  );
  return (await Promise.all(found)).flat();
}

/** Those that were left up by labs with this folder of nodes: what `--all` means. */
export const ownKeptNodes = async (world: World): Promise<readonly FoundNode[]> =>
  (await nodesUp(world)).filter(({ kept, elsewhere }) => kept && elsewhere !== true);

/** Removes what killed labs left on this host, nodes and half-made artifacts; a line for each. Costs next to nothing. */
export async function sweepHost({
  backends,
  artifacts,
}: {
  backends: readonly Backend[];
  artifacts: Artifacts;
}): Promise<readonly string[]> {
  const swept = await Promise.all(backends.map((backend) => backend.sweep()));
  return [...swept.flat(), ...(await artifacts.sweep(new AbortController().signal))];
}
