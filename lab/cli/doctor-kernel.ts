import { createExec } from '../host/exec.ts';
import { missingKinds } from '../nodes/kernel-kinds.ts';
import type { World } from './world.ts';

/** What plugins cannot make with the kernel of this host, on which bare nodes and most engines' containers are. */
export async function kernelNews({ env }: Pick<World, 'env'>): Promise<{
  readonly lacks: boolean;
  readonly how: string;
  readonly waysOut: readonly string[];
}> {
  const { asked, missing } = await missingKinds(createExec({ env }));
  if (!asked)
    return {
      lacks: true,
      how: 'could not be asked what it has, which takes root, unshare and ip',
      waysOut: [],
    };
  if (missing.length === 0)
    return { lacks: false, how: 'has all that the standard plugins make', waysOut: [] };
  return {
    lacks: true,
    how: `has no ${missing.join(', ')}; a run that needs one is inconclusive`,
    waysOut: ['`--backend vm` runs it on a kernel that has them'],
  };
}
