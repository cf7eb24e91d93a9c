import { readScenarios } from './prepare.ts';
import { EXIT, type World } from './world.ts';

/** `cnilab list`: a line a scenario, then the controls, marked as such. */
export async function listCommand(world: World, names: readonly string[]): Promise<number> {
  const all = await readScenarios(world, names);
  const scenarios = [true, false].flatMap((shown) =>
    all.filter(({ control }) => (control === undefined) === shown),
  );
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, summary, control } of scenarios) {
    const mark =
      control === undefined
        ? ''
        : ` [control: must ${control.outcome === 'fail' ? 'fail' : 'be inconclusive'}]`;
    world.out.write(`${name.padEnd(width)}  ${summary}${mark}\n`);
  }
  return EXIT.pass;
}
