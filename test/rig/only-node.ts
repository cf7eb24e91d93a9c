import type { PlannedNode, RunPlan } from '../../lab/plan/plan.ts';
import type { NamedNode, Scenario } from '../../lab/spec/scenario.ts';

/** The node of a scenario or run with a single node. */
export function onlyNode(of: Scenario): NamedNode;
export function onlyNode(of: RunPlan | undefined): PlannedNode;
export function onlyNode(of: Scenario | RunPlan | undefined): NamedNode | PlannedNode {
  const [node, second] = of?.nodes ?? [];
  if (node === undefined || second !== undefined) throw new Error('there is not one node');
  return node;
}

/** The run with some values of its node changed. */
export const withNode = (run: RunPlan, changed: Partial<PlannedNode>): RunPlan => ({
  ...run,
  nodes: [{ ...onlyNode(run), ...changed }],
});
