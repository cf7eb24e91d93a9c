import { formatPlan } from '../plan/format-plan.ts';
import { readPins } from './lab-parts.ts';
import { preparePlan } from './prepare.ts';
import type { NodeFlags } from './flags.ts';
import { EXIT, type World } from './world.ts';

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
