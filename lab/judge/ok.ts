import { deedsOf, failuresOf } from './failures.ts';
import type { Seen, StepFacts } from './facts.ts';
import type { Finding } from './verdict.ts';

/**
 * A step has to succeed unless its file says how it fails: by `ok: false`, an error or an exit code. Whether it failed
 * at all where an error is expected is for that check to say.
 */
export function judgeOk(facts: StepFacts): readonly Finding[] {
  const { expect, id: stepId } = facts.step;
  const wanted = expect.ok ?? (expect.exitCode === undefined ? true : undefined);
  if (wanted === undefined || expect.error !== undefined) return [];
  const failures = failuresOf(facts);
  const told = { check: 'ok', stepId, place: expect.place } as const;

  if (!wanted) {
    if (failures.length > 0 || facts.crashes.length > 0) {
      return [{ ...told, outcome: 'pass', message: 'failed, as expected' }];
    }
    const message = `succeeded, expected to fail: ${deedsOf(facts)}`;
    return [{ ...told, outcome: 'fail', message, expected: 'ok: false', actual: 'ok: true' }];
  }
  if (failures.length === 0 && facts.crashes.length === 0) {
    return [{ ...told, outcome: 'pass', message: 'succeeded, as expected' }];
  }
  const crashed = facts.crashes.map(describeCrash);
  const first = failures[0];
  return [
    {
      ...told,
      outcome: 'fail',
      message: first?.what ?? crashed.join('; '),
      expected: 'ok: true',
      actual: first === undefined ? crashed.join('; ') : first.said,
      detail: [
        ...failures.flatMap(({ what, said }, index) => [
          ...(index === 0 ? [] : [what]),
          ...(said === '' ? [] : [`it said  ${said}`]),
        ]),
        ...(first === undefined ? [] : crashed),
      ],
    },
  ];
}

export function describeCrash({ exitCode, signal }: Seen<'containerd-ended'>): string {
  return `containerd ended by itself (${exitCode === null ? (signal ?? 'by a signal') : `exit ${exitCode}`})`;
}
