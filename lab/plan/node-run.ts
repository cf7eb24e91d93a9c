import type { PlannedNode, RunPlan } from './plan.ts';

/** A run as one of its nodes has it: that node, its steps, and what is expected of it at the start and at the end. */
export interface NodeRun
  extends Pick<RunPlan, 'scenario' | 'pods' | 'steps'>, Pick<PlannedNode, 'start' | 'end'> {
  /** missing where there is one node, which has no name */
  readonly name?: string;
  readonly node: PlannedNode;
}

/** In the order of the file. */
export const nodeRuns = ({ scenario, nodes, pods, steps }: RunPlan): readonly NodeRun[] =>
  nodes.map((node) => ({
    ...(node.name === undefined ? {} : { name: node.name }),
    ...(node.start === undefined ? {} : { start: node.start }),
    ...(node.end === undefined ? {} : { end: node.end }),
    scenario,
    pods,
    node,
    steps: steps.filter(({ on }) => on === node.name),
  }));

/** The node that a step is taken on. A plan that names another one is a mistake in the lab. */
export function runOn<T extends Pick<NodeRun, 'name'>>(nodes: readonly T[], name: string | undefined): T {
  const found = nodes.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no node ${name ?? 'without a name'}`);
  return found;
}
