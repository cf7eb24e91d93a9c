import { describe, expect, test } from 'vitest';

import { judge } from '../rig/judged.ts';
import type { Finding } from '../../lab/judge/verdict.ts';
import type { Expectation, LogExpectation } from '../../lab/spec/scenario.ts';
import { at, expecting, exactly, journalOf, line, planned, runPod, stopPod } from '../rig/recorded-run.ts';

const A = 'a'.repeat(64);
const FAILED = `time="2026-01-01T00:00:01Z" level=error msg="RunPodSandbox for web failed" error="cannot setup \\"${A}\\": no plugin"\n`;
const STARTED = 'time="2026-01-01T00:00:00Z" level=info msg="containerd successfully booted in 0.1s"\n';

function on(expect_: Partial<Expectation>, log = FAILED, startLog = STARTED): readonly Finding[] {
  const run = planned({ steps: [[runPod, expecting(expect_)]] });
  return judge(run, journalOf(run, { startLog, steps: [{ log }] })).findings.filter(
    ({ check }) => check === 'log' || check === 'no-log',
  );
}
const wanted = (more: Partial<LogExpectation> = {}) =>
  line('RunPodSandbox for web failed', {
    level: 'error',
    fields: { error: 'cannot setup "${web.id}": no plugin' },
    ...more,
  });

describe('log', () => {
  test('passes with level, message and fields, unquoted, with captures filled in', () => {
    expect(on({ log: [wanted()] })).toEqual([
      {
        check: 'log',
        outcome: 'pass',
        stepId: '1-run-pod',
        place: at(22),
        message: 'the line is there, as expected',
      },
    ]);
  });

  test('is searched for in the lines of its own step', () => {
    expect(on({ log: [line('containerd successfully booted in 0.1s')] })[0]?.outcome).toBe('fail');
  });

  test('that is missing is shown with the nearest line', () => {
    expect(
      on({ log: [wanted({ fields: { error: 'cannot setup "${web.id}": no plugim' } })] }, STARTED + FAILED),
    ).toEqual([
      {
        check: 'log',
        outcome: 'fail',
        stepId: '1-run-pod',
        place: at(22),
        message:
          'no such line in the log of containerd, expected level=error message "RunPodSandbox for web failed" error=\'cannot setup "${web.id}": no plugim\'',
        expected:
          'level=error message "RunPodSandbox for web failed" error=\'cannot setup "${web.id}": no plugim\'',
        actual: FAILED.trimEnd(),
        detail: [
          'the nearest line',
          'field error differs at character 90',
          `expected  cannot setup "${A}": no plugim`,
          `actual    cannot setup "${A}": no plugin`,
          `          ${' '.repeat(89)}^ first difference`,
        ],
        paste: `log: { level: error, message: 'RunPodSandbox for web failed', fields: { error: 'cannot setup "\${web.id}": no plugin' } }`,
        log: [STARTED.trimEnd(), FAILED.trimEnd()],
      },
    ]);
  });

  test('has separate differences for level, missing field and message', () => {
    const second = (expectation: LogExpectation) => on({ log: [expectation] })[0]?.detail?.[1];
    expect(second(wanted({ level: 'warning' }))).toBe('level is error, expected warning');
    expect(second(wanted({ fields: { reason: 'x' } }))).toBe('has no field reason');
    expect(second(wanted({ message: exactly('RunPodSandbox for wed failed') }))).toBe(
      'message differs at character 21',
    );
  });

  test('is nearest to a line with its message, although a field differs much and another message is similar', () => {
    const log = 'time="t" level=info msg="RunPodSandbox for web"\n' + FAILED;
    expect(on({ log: [wanted({ fields: { error: 'cni plugin not initialized' } })] }, log)[0]?.actual).toBe(
      FAILED.trimEnd(),
    );
  });

  test('has no nearest line if none is similar', () => {
    expect(on({ log: [line('zzz')] })[0]?.detail).toBeUndefined();
  });

  test('is inconclusive if no log was collected', () => {
    const run = planned({ steps: [[runPod, expecting({ log: [wanted()], noLog: [wanted()] })]] });
    const entries = journalOf(run).filter(({ kind }) => kind !== 'runtime-log');
    expect(
      judge(run, entries)
        .findings.filter(({ check }) => check === 'log' || check === 'no-log')
        .map(({ check, outcome, message }) => [check, outcome, message]),
    ).toEqual([
      ['log', 'inconclusive', 'the log of containerd is not known: none of it was collected'],
      ['no-log', 'inconclusive', 'the log of containerd is not known: none of it was collected'],
    ]);
  });

  test('of the end is the log of the whole run', () => {
    const run = planned({ steps: [[runPod], [stopPod]], end: expecting({ log: [wanted()] }) });
    const finding = (log: string) =>
      judge(run, journalOf(run, { startLog: STARTED, steps: [{ log }] })).findings.find(
        ({ check }) => check === 'log',
      );
    expect([finding(FAILED)?.stepId, finding(FAILED)?.outcome]).toEqual(['end', 'pass']);
    expect(finding('')?.outcome).toBe('fail');
  });
});

const B = 'b'.repeat(64);
const stopping = (id: string) => `time="t" level=info msg="StopPodSandbox for \\"${id}\\""\n`;
const failed = (id: string) => `time="t" level=error msg="StopPodSandbox for \\"${id}\\" failed"\n`;
const outcomes = (findings: readonly Finding[]) => findings.map(({ outcome, message }) => [outcome, message]);

describe('several lines', () => {
  const wantedLines = [line('StopPodSandbox for "${x:id}"'), line('StopPodSandbox for "${x}" failed')];

  test('may bind a name to a later line if the first match does not fit the other entries', () => {
    const log = stopping(A) + stopping(B) + failed(B);
    expect(on({ log: wantedLines }, log).map(({ outcome }) => outcome)).toEqual(['pass', 'pass']);
  });

  test('may be in any order', () => {
    const log = failed(B) + stopping(A) + stopping(B);
    expect(on({ log: wantedLines }, log).map(({ outcome }) => outcome)).toEqual(['pass', 'pass']);
  });

  test('must agree on the value of a name', () => {
    const findings = on({ log: wantedLines }, stopping(A) + failed(B));
    expect(findings.map(({ outcome }) => outcome)).toEqual(['pass', 'fail']);
    expect(findings[1]?.detail?.[1]).toBe('message differs at character 86');
  });

  test('need one line for each entry: one line does not match two entries', () => {
    const twice = [line('RunPodSandbox for web failed'), line('RunPodSandbox for web failed')];
    expect(outcomes(on({ log: twice }))).toEqual([
      ['pass', 'the line is there, as expected'],
      [
        'fail',
        'the log of containerd has 1 such line, and more are expected: message "RunPodSandbox for web failed"',
      ],
    ]);
    expect(on({ log: twice }, FAILED + FAILED).map(({ outcome }) => outcome)).toEqual(['pass', 'pass']);
  });

  test('are matched quickly, however many are alike', () => {
    const many = Array.from({ length: 30 }, () => line('RunPodSandbox for web failed'));
    expect(on({ log: many }, FAILED.repeat(29)).filter(({ outcome }) => outcome === 'fail')).toHaveLength(1);
    const names = [...'abcdefghijklmnop'].map((name) => line(`RunPodSandbox for \${${name}:word} failed`));
    const unmet = line('RunPodSandbox for ${a} stopped');
    const last = 'time="t" level=info msg="RunPodSandbox for other stopped"\n';
    const [undecided] = on({ log: [...names, unmet] }, FAILED.repeat(16) + last).slice(-1);
    expect([undecided?.outcome, undecided?.message]).toEqual([
      'inconclusive',
      'whether the line is there is not known: there are too many ways to fill in the names of the expectation',
    ]);
  });
});

describe('no-log', () => {
  test('passes if there is no such line', () => {
    expect(on({ noLog: [line('StopPodSandbox failed')] })).toEqual([
      {
        check: 'no-log',
        outcome: 'pass',
        stepId: '1-run-pod',
        place: at(22),
        message: 'no such line, as expected',
      },
    ]);
  });

  test('fails with the lines that match', () => {
    const part: LogExpectation = {
      ...wanted({ fields: {} }),
      message: { contains: 'RunPodSandbox', why: 'any failure', place: at(22) },
    };
    expect(on({ noLog: [part] }, FAILED + FAILED)).toMatchObject([
      {
        outcome: 'fail',
        message: '2 lines are in the log of containerd that must not be there',
        expected: 'none of level=error a message with "RunPodSandbox"',
        detail: [FAILED.trimEnd(), FAILED.trimEnd()],
      },
    ]);
  });
});
