import { quoted } from '../core/content.ts';
import type { Control } from '../spec/scenario.ts';
import { NO_BINDINGS } from '../match/bindings.ts';
import { matchExpectation } from '../match/text.ts';
import { worst, type Finding, type Outcome } from './verdict.ts';

/**
 * A control passes if its run has exactly one finding that does not pass, and this is the one that the control names:
 * the check, the step and the text. If the lab could not do its part, the control is inconclusive, even if it expects
 * an inconclusive run.
 */
export function judgeControl(
  control: Control,
  { findings, complete, stepId }: { findings: readonly Finding[]; complete: boolean; stepId: string },
): Finding {
  const raw = worst(findings.map(({ outcome }) => outcome));
  const bad = findings.filter(({ outcome }) => outcome !== 'pass');
  const others = bad.filter((finding) => !isNamed(finding, control));
  const named = nameOf({
    outcome: control.outcome,
    check: control.finding,
    stepId: control.step,
    ...(control.on === undefined ? {} : { node: control.on }),
  });
  const expected = `${named} that says ${quoted(textOf(control))}`;
  const actual = bad.length === 0 ? raw : [...new Set(bad.map(nameOf))].join(', ');
  const answer = (outcome: Outcome, message: string): Finding => ({
    check: 'control',
    stepId,
    expected,
    actual,
    outcome,
    message,
    ...(outcome === 'pass' ? {} : { detail: bad.map(describeFinding) }),
  });
  if (!complete)
    return answer('inconclusive', 'the lab could not do this run to its end, so the control shows nothing');
  if (raw === control.outcome && others.length === 0) return answer('pass', `${named}, as it must`);
  if (actual === named)
    return answer('fail', `the control came out as ${named}, which does not say what it must`);
  const alone = others.length < bad.length ? ' alone' : '';
  return answer('fail', `the control came out as ${actual}, expected ${named}${alone}`);
}

function isNamed({ check, outcome, stepId, node, message, actual }: Finding, control: Control): boolean {
  const says = (text: string) => matchExpectation(control.message, text, NO_BINDINGS).matched;
  return (
    check === control.finding &&
    outcome === control.outcome &&
    stepId === control.step &&
    (control.on === undefined || node === control.on) &&
    (says(message) || (actual !== undefined && says(actual)))
  );
}

const textOf = ({ message }: Control): string => ('exact' in message ? message.exact : message.contains);

/** The name of a finding. The node is included if the step does not identify it. */
const nameOf = (finding: Pick<Finding, 'outcome' | 'stepId' | 'node'> & { check: string }): string => {
  const { outcome, check, stepId, node } = finding;
  const isOfNode = node !== undefined && (stepId === 'start' || stepId === 'end');
  return `${outcome} by ${check} of ${stepId}${isOfNode ? ` on ${node}` : ''}`;
};

const describeFinding = ({ check, stepId, node, message, actual }: Finding): string =>
  `${stepId}${node === undefined ? '' : ` on ${node}`} ${check}: ${message}${actual === undefined || actual === '' ? '' : ` (${actual})`}`;
