import { describePlugins, describeWithPath } from '../core/components.ts';
import { specOf } from '../spec/verbs/verbs.ts';
import type { Plan, RunPlan } from './plan.ts';

/** What would run, for people: a block a run. */
export function formatPlan({ runs }: Plan): string {
  return runs.map(formatRun).join('\n');
}

function formatRun({ title, control, node, steps }: RunPlan): string {
  const mark =
    control === undefined
      ? ''
      : ` (must come out as ${control.outcome}, by ${control.finding} of ${control.step})`;
  const width = Math.max(...steps.map(({ id }) => id.length));
  return [
    `${title}${mark}`,
    `  ${[node.containerd, node.runc, node.crictl].map(describeWithPath).join(', ')}, ${describePlugins(node.plugins)}`,
    ...steps.map(({ id, action }) => `  ${id.padEnd(width)}  ${specOf(action).describe(action)}`.trimEnd()),
    '',
  ].join('\n');
}
