import type { Control } from '../spec/scenario.ts';
import { NO_BINDINGS } from '../match/bindings.ts';
import { matchExpectation } from '../match/text.ts';
import { worst, type Finding, type Outcome } from './verdict.ts';

/**
 * A control passes when its run came out as it must, by the one finding that it names and by no other: the check, the step
 * and what it says. A run that the lab could not do says nothing about it, not even where not knowing is what the control
 * wants.
 */
export function judgeControl(
  control: Control,
  { findings, complete, stepId }: { findings: readonly Finding[]; complete: boolean; stepId: string },
): Finding {
  const raw = worst(findings.map(({ outcome }) => outcome));
  const bad = findings.filter(({ outcome }) => outcome !== 'pass');
  const others = bad.filter((finding) => !isNamed(finding, control));
  const named = nameOf({ outcome: control.outcome, check: control.finding, stepId: control.step });
  const expected = `${named} that says ${JSON.stringify(textOf(control))}`;
  const actual = bad.length === 0 ? raw : [...new Set(bad.map(nameOf))].join(', ');
  const answer = (outcome: Outcome, message: string): Finding => ({
    check: 'control',
    stepId,
    expected,
    actual,
    outcome,
    message,
    ...(outcome === 'pass' ? {} : { detail: bad.map(tell) }),
  });
  if (!complete)
    return answer('inconclusive', 'the lab could not do this run to its end, so the control shows nothing');
  if (raw === control.outcome && others.length === 0) return answer('pass', `${named}, as it must`);
  if (actual === named)
    return answer('fail', `the control came out as ${named}, which does not say what it must`);
  const alone = others.length < bad.length ? ' alone' : '';
  return answer('fail', `the control came out as ${actual}, expected ${named}${alone}`);
}

function isNamed({ check, outcome, stepId, message, actual }: Finding, control: Control): boolean {
  const says = (text: string) => matchExpectation(control.message, text, NO_BINDINGS).matched;
  return (
    check === control.finding &&
    outcome === control.outcome &&
    stepId === control.step &&
    (says(message) || (actual !== undefined && says(actual)))
  );
}

const textOf = ({ message }: Control): string => ('exact' in message ? message.exact : message.contains);

const nameOf = ({
  outcome,
  check,
  stepId,
}: Pick<Finding, 'outcome' | 'stepId'> & { check: string }): string => `${outcome} by ${check} of ${stepId}`;

const tell = ({ check, stepId, message, actual }: Finding): string =>
  `${stepId} ${check}: ${message}${actual === undefined || actual === '' ? '' : ` (${actual})`}`;
