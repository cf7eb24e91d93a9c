import { bind, forgetPod, NO_BINDINGS, type Bindings } from '../match/bindings.ts';
import { podMadeBy } from '../spec/verbs/verbs.ts';
import type { RunFacts, StepFacts } from './facts.ts';

type Captured = readonly (readonly [string, string])[];

/**
 * The captures of a step, split into fresh and stale. If a step failed to run a pod, the only sandbox that can be
 * captured may be from an earlier attempt. Such a capture is stale: the messages of the step do not refer to it, but
 * later steps act on it.
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

/** The values of names in texts during a step, from everything that was captured until then. */
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
