import { formatPlan } from '../plan/format-plan.ts';
import { readPins } from '../assembly/open-artifacts.ts';
import { preparePlan } from '../assembly/plan-files.ts';
import type { NodeFlags } from '../assembly/flags.ts';
import { EXIT } from './exit-codes.ts';
import type { World } from '../assembly/world.ts';

/** `cnilab plan`: what `run` would do with the same words; nothing is fetched and nothing runs. */
export async function planCommand(
  world: World,
  names: readonly string[],
  flags: NodeFlags & { json?: true },
): Promise<number> {
  const plan = await preparePlan(world, {
    names,
    flags,
    pins: readPins(world),
    note: (message) => world.err.write(`${message}\n`),
  });
  world.out.write(flags.json === true ? `${JSON.stringify(plan, null, 2)}\n` : formatPlan(plan));
  return EXIT.pass;
}
