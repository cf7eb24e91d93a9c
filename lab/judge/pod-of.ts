import type { RunPlan } from '../plan/plan.ts';
import { containerMadeBy, containerOfAction, podOfAction, type PlannedAction } from '../spec/verbs/verbs.ts';

/** The pod that a step is about: named by it, or by the step that created its container. */
export function podOf(action: PlannedAction, run: RunPlan): string | undefined {
  const container = containerOfAction(action);
  const maker = run.steps.find(
    (step) => container !== undefined && containerMadeBy(step.action) === container,
  );
  return podOfAction(action) ?? (maker === undefined ? undefined : podOfAction(maker.action));
}
