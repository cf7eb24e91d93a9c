import { readPins } from '../assembly/open-artifacts.ts';
import { preparePlan } from '../assembly/plan-files.ts';
import type { NodeFlags, World } from '../assembly/world.ts';
import { EXIT } from './exit-codes.ts';
import { describePlugins, describeWithPath } from '../core/components.ts';
import { specOf } from '../spec/verbs/verbs.ts';
import type { Plan, RunPlan } from '../plan/plan.ts';

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

/** What would run, for people: a block a run. */
export function formatPlan({ runs }: Plan): string {
  return runs.map(formatRun).join('\n');
}

function formatRun({ title, control, nodes, steps }: RunPlan): string {
  const mark =
    control === undefined
      ? ''
      : ` (must come out as ${control.outcome}, by ${control.finding} of ${control.step})`;
  const width = Math.max(...steps.map(({ id }) => id.length));
  const onWidth = Math.max(...nodes.map(({ name = '' }) => name.length)) + 2;
  const named = (name: string | undefined): string => (name === undefined ? '' : name.padEnd(onWidth));
  return [
    `${title}${mark}`,
    ...nodes.map(
      ({ name, runtime, runc, crictl, plugins }) =>
        `  ${named(name)}${[runtime, runc, crictl].map(describeWithPath).join(', ')}, ${describePlugins(plugins)}`,
    ),
    ...steps.map(({ id, on, action }) =>
      `  ${id.padEnd(width)}  ${named(on)}${specOf(action).describe(action)}`.trimEnd(),
    ),
    '',
  ].join('\n');
}
