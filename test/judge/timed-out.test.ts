import { describe, expect, test } from 'vitest';

import { judge } from '../rig/judged.ts';
import type { CommandResult } from '../../lab/core/ports.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import { at, crictlError, exactly, expecting, journalOf, planned, ran, result } from '../rig/recorded-run.ts';

const SLEEP = ['sleep', '10'];
const hung = result(SLEEP, { exitCode: null, signal: 'SIGKILL', timedOut: true, durationMs: 10_000.4 });
const crictl = (code: string, said: string): CommandResult =>
  result(['crictl', 'stopp', 'a'], {
    exitCode: 1,
    durationMs: 60_000,
    stderr: crictlError(said).replace('code = Unknown', `code = ${code}`),
  });

function findingsOn(one: CommandResult, expect_: Partial<Expectation> = {}) {
  const run = planned({ steps: [[{ do: 'exec', argv: ['x'] }, expecting(expect_)]] });
  return judge(run, journalOf(run, { steps: [{ seen: [ran('1-exec', one)] }] })).findings.filter(
    ({ stepId }) => stepId === '1-exec',
  );
}
const outcomes = (one: CommandResult, expect_: Partial<Expectation> = {}) =>
  findingsOn(one, expect_).map(({ check, outcome }) => `${check} ${outcome}`);

describe('a command that the lab ended', () => {
  test('is a failure that shows how to expect it', () => {
    expect(findingsOn(hung)).toEqual([
      {
        check: 'timed-out',
        outcome: 'fail',
        stepId: '1-exec',
        place: at(20),
        message: 'command did not end within 10000 ms: sleep 10',
        expected: 'an answer',
        actual: 'none within 10000 ms',
        detail: [
          'without an answer it has neither succeeded nor failed: "timed-out: true" expects that, "timeout" gives it longer',
        ],
      },
    ]);
  });

  test.each<Partial<Expectation>>([
    { ok: false },
    { ok: true },
    { error: exactly('') },
    { ok: false, error: exactly('') },
    { output: exactly('') },
    { exitCode: 137 },
    { timedOut: false },
  ])('never meets %j', (expect_) => {
    expect(outcomes(hung, expect_)).toEqual(['timed-out fail']);
  });

  test('is as expected if the file says so', () => {
    expect(outcomes(hung, { timedOut: true })).toEqual(['timed-out pass']);
  });
});

test('a command that ends by itself has not timed out', () => {
  expect(findingsOn(result(SLEEP), { timedOut: true }).map(({ message }) => message)).toEqual([
    'ended by itself, expected to run into the limit of 10000 ms: sleep 10',
  ]);
  expect(outcomes(result(SLEEP, { exitCode: 1 }), { timedOut: true })).toEqual(['timed-out fail']);
  expect(outcomes(result(SLEEP), { timedOut: false })).toEqual(['timed-out pass', 'ok pass']);
});

test('crictl’s own timeout counts as a timeout, and a timeout inside the runtime is an answer', () => {
  expect(outcomes(crictl('DeadlineExceeded', 'context deadline exceeded'), { ok: false })).toEqual([
    'timed-out fail',
  ]);
  const answer = 'failed to stop container: context deadline exceeded';
  expect(outcomes(crictl('DeadlineExceeded', answer), { ok: false })).toEqual(['ok pass']);
  expect(outcomes(crictl('Unknown', 'context deadline exceeded'), { ok: false })).toEqual(['ok pass']);
});

test('a wait that the lab ended has timed out', () => {
  const action = { do: 'wait-for', condition: { until: 'command', argv: SLEEP } } as const;
  const run = planned({ steps: [[action, expecting({ ok: false })]] });
  const waited = {
    kind: 'waited',
    stepId: '1-wait-for',
    what: 'sleep 10 to succeed',
    met: false,
    timedOut: true,
    lastSeen: 'no end of sleep 10',
    waitedMs: 500,
  } as const;
  const [finding] = judge(run, journalOf(run, { steps: [{ seen: [waited] }] })).findings;
  expect(`${finding?.check} ${finding?.outcome}: ${finding?.message}`).toBe(
    'timed-out fail: waiting for sleep 10 to succeed did not end within 500 ms',
  );
});
