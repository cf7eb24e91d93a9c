import type { RunPlan } from '../plan/plan.ts';
import { madeBy, runsCommands, usedBy } from '../spec/verbs/verbs.ts';
import type { StepFacts } from './facts.ts';
import { failuresOf } from './failures.ts';
import { podOf } from './owner.ts';

/**
 * The step that left a later one nothing to act on: of those that were to make the pods and containers which that one
 * speaks of, the first that failed.
 */
export function causeOf(step: StepFacts, { run, steps }: Known): string | undefined {
  const earlier = steps.slice(0, steps.indexOf(step));
  const makers = namesIn(step, run).flatMap(
    (name) => earlier.findLast((one) => madeBy(one.step.action) === name) ?? [],
  );
  const failed = makers.filter((maker) => maker.notRun !== undefined || failuresOf(maker).length > 0);
  const first = earlier.find((one) => failed.includes(one));
  if (first?.notRun === undefined) return first?.step.id;
  return causeOf(first, { run, steps }) ?? first.step.id;
}

interface Known {
  readonly run: RunPlan;
  readonly steps: readonly StepFacts[];
}

/** Pods and containers, by name and in texts: `${web.ip}`. */
function namesIn({ step: { action } }: StepFacts, run: RunPlan): readonly string[] {
  const pod = podOf(action, run);
  return [
    ...(pod === undefined ? [] : [pod]),
    ...(runsCommands(action) ? usedBy(action) : []), // a wait acts on nothing
    ...[...JSON.stringify(action).matchAll(/\$\{([\w-]+)\./g)].map(([, name = '']) => name),
  ];
}
