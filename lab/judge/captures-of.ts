import { bind, forgetPod, NO_BINDINGS, type Bindings } from '../match/bindings.ts';
import { podMadeBy } from '../spec/verbs/verbs.ts';
import type { RunFacts, StepFacts } from './facts.ts';

type Captured = readonly (readonly [string, string])[];

/**
 * A step that tried to run a pod and failed may leave only the sandbox of an older attempt to be captured: that one is
 * not what the step's own messages speak of, but it is what later steps act on.
 */
export function capturesOf({ step, captures, before: look }: StepFacts): {
  fresh: Captured;
  stale: Captured;
} {
  const all = captures.map(({ name, value }) => [name, value] as const);
  const pod = podMadeBy(step.action);
  if (pod === undefined) return { fresh: all, stale: [] };
  const before = look?.state.items ?? [];
  const id = all.findLast(([name]) => name === `${pod}.id`)?.[1];
  const isOld = before.some(({ kind, name }) => kind === 'sandbox' && name === id);
  return isOld ? { fresh: [], stale: all } : { fresh: all, stale: [] };
}

/** What the names in texts stand for during a step, by all that was captured until then. */
export function bindingsDuring(facts: RunFacts, stepId: string): Bindings {
  let known = NO_BINDINGS;
  for (const step of facts.steps) {
    const { action, id } = step.step;
    const { fresh, stale } = capturesOf(step);
    const pod = podMadeBy(action);
    const during = bind(pod === undefined ? known : forgetPod(known, pod), fresh);
    if (id === stepId) return during;
    known = bind(during, stale);
  }
  return known;
}
