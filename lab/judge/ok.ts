import { runtimeAfter } from '../spec/verbs/verbs.ts';
import { describeActions, failuresOf } from './failures.ts';
import type { StepFacts } from './facts.ts';
import type { Finding } from './verdict.ts';

/**
 * A step has to succeed unless its file says how it fails: by `ok: false`, an error or an exit code. Whether it failed
 * at all where an error is expected is for that check to say, and so it is where the runtime is not to run after its start.
 */
export function judgeOk(facts: StepFacts): readonly Finding[] {
  const { expect, id: stepId, action } = facts.step;
  const starts = runtimeAfter(action) === 'running';
  const startFails = starts && (expect.runtime ?? 'running') !== 'running';
  const saidElsewhere = expect.exitCode !== undefined || startFails;
  const wanted = expect.ok ?? (saidElsewhere ? undefined : true);
  if (wanted === undefined || expect.error !== undefined) return [];
  const failures = failuresOf(facts);
  const told = { check: 'ok', stepId, place: expect.place } as const;

  if (!wanted) {
    if (failures.length > 0) {
      return [{ ...told, outcome: 'pass', message: 'failed, as expected' }];
    }
    const message = `succeeded, expected to fail: ${describeActions(facts)}`;
    return [{ ...told, outcome: 'fail', message, expected: 'ok: false', actual: 'ok: true' }];
  }
  const [first] = failures;
  if (first === undefined) return [{ ...told, outcome: 'pass', message: 'succeeded, as expected' }];
  return [
    {
      ...told,
      outcome: 'fail',
      message: first.what,
      expected: 'ok: true',
      actual: first.said,
      detail: failures.flatMap(({ what, said }, index) => [
        ...(index === 0 ? [] : [what]),
        ...(said === '' ? [] : [`it said  ${said}`]),
      ]),
    },
  ];
}
