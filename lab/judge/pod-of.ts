import type { PlannedAction, RunPlan } from '../plan/plan.ts';

/** The pod that a step is about: named by it, or by the step that created its container. */
export function podOf(action: PlannedAction, run: RunPlan): string | undefined {
  if ('pod' in action) return action.pod;
  if (!('container' in action)) return undefined;
  for (const { action: other } of run.steps) {
    if (other.do === 'create-container' && other.container === action.container) return other.pod;
  }
  return undefined;
}
