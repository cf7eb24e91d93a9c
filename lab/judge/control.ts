import type { Control } from '../spec/scenario.ts';
import { worst, type Finding, type Outcome } from './verdict.ts';

/**
 * A control passes when its run came out as it must, by the check that it names and by no other. A run that the lab
 * could not do says nothing about it, not even where not knowing is what the control wants.
 */
export function judgeControl(
  control: Control,
  { findings, complete, stepId }: { findings: readonly Finding[]; complete: boolean; stepId: string },
): Finding {
  const raw = worst(findings.map(({ outcome }) => outcome));
  const bad = findings.filter(({ outcome }) => outcome !== 'pass');
  const others = bad.filter(({ check }) => check !== control.finding);
  const named = bad.some(({ check, outcome }) => check === control.finding && outcome === control.outcome);
  const expected = `${control.outcome} by ${control.finding}`;
  const actual =
    bad.length === 0
      ? raw
      : [...new Set(bad.map(({ check, outcome }) => `${outcome} by ${check}`))].join(', ');
  const told = { check: 'control', stepId, expected, actual } as const;
  const answer = (outcome: Outcome, message: string): Finding => ({
    ...told,
    outcome,
    message,
    ...(outcome === 'pass' ? {} : { detail: bad.map((one) => `${one.stepId} ${one.check}: ${one.message}`) }),
  });
  if (!complete)
    return answer('inconclusive', 'the lab could not do this run to its end, so the control shows nothing');
  if (raw === control.outcome && named && others.length === 0)
    return answer('pass', `${expected}, as it must`);
  return answer(
    'fail',
    `the control came out as ${actual}, expected ${expected}${others.length > 0 && named ? ' alone' : ''}`,
  );
}
