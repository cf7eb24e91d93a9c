import type { Scenario } from '../spec/scenario.ts';
import { countMistakes, formatMistakes, readScenarios } from '../assembly/plan-files.ts';
import { EXIT } from './exit-codes.ts';
import type { World } from '../assembly/world.ts';

/**
 * `cnilab list`: prints a line for each scenario, then the controls, marked as such, then the mistakes in files that
 * cannot be read.
 */
export async function listCommand(
  world: World,
  names: readonly string[],
  flags: { readonly json?: true } = {},
): Promise<number> {
  const { scenarios: all, mistakes } = await readScenarios(world, names);
  const scenarios = [true, false].flatMap((shown) =>
    all.filter(({ control }) => (control === undefined) === shown),
  );
  if (flags.json === true) world.out.write(`${JSON.stringify(scenarios.map(asData), null, 2)}\n`);
  else writeLines(world, scenarios);
  if (mistakes.length === 0) return EXIT.pass;
  world.err.write(`cnilab: ${countMistakes(mistakes)}\n\n${formatMistakes(mistakes)}\n`);
  return EXIT.badInput;
}

/** `must` is the required outcome. It is pass, except for a control. */
const asData = ({ name, summary, place, control }: Scenario) => ({
  name,
  summary,
  file: place.file,
  must: control === undefined ? 'pass' : control.outcome,
});

function writeLines(world: World, scenarios: readonly Scenario[]): void {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, summary, control } of scenarios) {
    const mark =
      control === undefined
        ? ''
        : ` [control: must ${control.outcome === 'fail' ? 'fail' : 'be inconclusive'}]`;
    world.out.write(`${name.padEnd(width)}  ${summary}${mark}\n`);
  }
}
