import { createExec } from '../host/exec.ts';
import { askForKinds } from '../nodes/kernel-kinds.ts';
import type { World } from './world.ts';

/** What plugins cannot make with the kernel of this host, on which bare nodes and most engines' containers are. */
export async function kernelNews({ env }: Pick<World, 'env'>): Promise<{
  readonly lacks: boolean;
  readonly how: string;
  readonly waysOut: readonly string[];
}> {
  const { missing, unknown } = await askForKinds(createExec({ env }));
  const unasked =
    unknown.length === 0
      ? ''
      : `; not asked for ${unknown.join(', ')}: that takes root, unshare, ip, tc and nft`;
  if (missing.length === 0)
    return { lacks: false, how: `lacks nothing that the standard plugins make${unasked}`, waysOut: [] };
  return {
    lacks: true,
    how: `has no ${missing.join(', ')}; a run that needs one is inconclusive${unasked}`,
    waysOut: ['`--backend vm` runs it on a kernel that has them'],
  };
}
