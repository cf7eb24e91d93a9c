import type { TextExpectation } from '../spec/scenario.ts';
import type { Bindings } from '../match/bindings.ts';
import { fillIn } from '../match/text.ts';
import { judgeEach } from './each.ts';
import { describeActions, failuresOf, type Failure } from './failures.ts';
import type { StepFacts, Seen } from './facts.ts';
import { judgeText } from './judge-text.ts';
import { pasteable } from '../core/shown.ts';
import type { Judged } from './subject.ts';

/** The step's command must have said exactly this; of several, each. One that succeeded did not say it. */
export function judgeError(facts: StepFacts, bindings: Bindings): Judged {
  const { error } = facts.step.expect;
  if (error === undefined) return { findings: [], bindings };
  const failures = failuresOf(facts);
  if (failures.length === 0) return succeeded(facts, { error, bindings, what: describeActions(facts) });
  const succeededCommands = facts.commands.filter(({ result }) => result.exitCode === 0);
  return judgeEach<Failure | Seen<'command'>>([...failures, ...succeededCommands], bindings, {
    commandOf: (one) => ('kind' in one ? one : one.command),
    judgeOne: (one, known) =>
      'kind' in one
        ? succeeded(facts, { error, bindings: known, what: pasteable(one.result.argv) })
        : judgeText(error, one.said, {
            check: 'error',
            stepId: facts.step.id,
            subject: 'error',
            bindings: known,
            context: [one.what],
          }),
  });
}

interface Success {
  readonly error: TextExpectation;
  readonly bindings: Bindings;
  readonly what: string;
}

function succeeded({ step }: StepFacts, { error, bindings, what }: Success): Judged {
  const finding = {
    check: 'error',
    outcome: 'fail',
    stepId: step.id,
    place: error.place,
    message: `succeeded, expected an error: ${what}`,
    expected: fillIn('exact' in error ? error.exact : error.contains, bindings),
    actual: 'no error',
  } as const;
  return { findings: [finding], bindings };
}
