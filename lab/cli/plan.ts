import { readPins } from '../assembly/open-artifacts.ts';
import { selectPlan } from '../assembly/selection.ts';
import { emptyShard, githubMatrix, takeShard } from '../assembly/shards.ts';
import type { NodeFlags, ShardFlags, TitleFlags, World } from '../assembly/world.ts';
import { BadInput } from '../core/lab-error.ts';
import { EXIT } from './exit-codes.ts';
import { describePlugins, describeWithPath } from '../core/components.ts';
import { specOf } from '../spec/verbs/verbs.ts';
import type { Plan, RunPlan } from '../plan/plan.ts';

export interface PlanFlags extends NodeFlags, ShardFlags, TitleFlags {
  readonly json?: true;
  readonly github?: true;
  readonly shards?: number;
}

/** `cnilab plan`: shows what `run` would do with the same arguments. Nothing is fetched or run. */
export async function planCommand(world: World, names: readonly string[], flags: PlanFlags): Promise<number> {
  if (flags.github === true && (flags.json === true || flags.shard !== undefined))
    throw new BadInput('--github goes without --json and --shard');
  if (flags.shards !== undefined && flags.github !== true)
    throw new BadInput('--shards is for --github; one shard is --shard 1/3');
  if (flags.durations !== undefined && flags.github !== true && flags.shard === undefined)
    throw new BadInput('--durations is for --shard and --github, which take parts of the runs');
  const whole = await selectPlan(world, {
    names,
    flags,
    pins: readPins(world),
    note: (message) => world.err.write(`${message}\n`),
  });
  const where = { ...flags, cwd: world.cwd };
  if (flags.github === true) {
    const include = githubMatrix(whole, { ...where, shards: flags.shards ?? 1 });
    world.out.write(`${JSON.stringify({ include })}\n`); // on one line, as $GITHUB_OUTPUT requires
    return EXIT.pass;
  }
  const part = takeShard(whole, where);
  const { plan } = part;
  if (plan.runs.length === 0 && whole.runs.length > 0) world.err.write(`${emptyShard(part)}\n`);
  world.out.write(flags.json === true ? `${JSON.stringify(plan, null, 2)}\n` : formatPlan(plan));
  return EXIT.pass;
}

/** The runs of a plan for people, one block for each run. */
export function formatPlan({ runs }: Plan): string {
  return runs.map(formatRun).join('\n');
}

function formatRun({ title, control, cluster, nodes, steps }: RunPlan): string {
  const mark =
    control === undefined
      ? ''
      : ` (must come out as ${control.outcome}, by ${control.finding} of ${control.step})`;
  const width = Math.max(...steps.map(({ id }) => id.length));
  const onWidth = Math.max(...nodes.map(({ name = '' }) => name.length)) + 2;
  const named = (name: string | undefined): string => (name === undefined ? '' : name.padEnd(onWidth));
  return [
    `${title}${mark}`,
    ...(cluster === undefined
      ? []
      : [`  ${named('cluster')}${[cluster.kubernetes, cluster.etcd].map(describeWithPath).join(', ')}`]),
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
