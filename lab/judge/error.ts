import type { TextExpectation } from '../spec/scenario.ts';
import { bind, type Bindings } from '../match/bindings.ts';
import { deedsOf, failuresOf, type Failure } from './failures.ts';
import type { StepFacts } from './facts.ts';
import { judgeText } from './judge-text.ts';
import { fillIn } from '../match/text.ts';
import type { Judged } from './subject.ts';

/**
 * Everything of the step that failed must have said exactly this; `${listed.id}` is the sandbox that the one command is
 * about. A step in which nothing failed did not say it.
 */
export function judgeError(facts: StepFacts, bindings: Bindings): Judged {
  const { error } = facts.step.expect;
  if (error === undefined) return { findings: [], bindings };
  const failures = failuresOf(facts);
  if (failures.length === 0) return { findings: [succeeded(facts, error, bindings)], bindings };

  const judged = failures.reduce<Judged>(
    (before, failure) => {
      const after = judgeFailure(facts, { failure, error, bindings: before.bindings });
      return { findings: [...before.findings, ...after.findings], bindings: after.bindings };
    },
    { findings: [], bindings },
  );
  const wrong = judged.findings.filter(({ outcome }) => outcome !== 'pass');
  return { findings: wrong.length > 0 ? wrong : judged.findings.slice(0, 1), bindings: judged.bindings };
}

interface OneFailure {
  readonly failure: Failure;
  readonly error: TextExpectation;
  readonly bindings: Bindings;
}

function judgeFailure({ step }: StepFacts, { failure, error, bindings }: OneFailure): Judged {
  const listed = failure.command?.id;
  const known = listed === undefined ? bindings : bind(bindings, [[LISTED, listed]]);
  const judged = judgeText(error, failure.said, {
    check: 'error',
    stepId: step.id,
    subject: 'error',
    bindings: known,
    context: [failure.what],
  });
  return { ...judged, bindings: new Map([...judged.bindings].filter(([name]) => name !== LISTED)) };
}

const LISTED = 'listed.id';

function succeeded(facts: StepFacts, error: TextExpectation, bindings: Bindings) {
  return {
    check: 'error',
    outcome: 'fail',
    stepId: facts.step.id,
    place: error.place,
    message: `succeeded, expected an error: ${deedsOf(facts)}`,
    expected: fillIn('exact' in error ? error.exact : error.contains, bindings),
    actual: 'no error',
  } as const;
}
