import { expect, test } from 'vitest';

import type { JournalEntry } from '../../lab/observe/observation.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import { judge, settlingOf } from '../rig/judged.ts';
import {
  at,
  exactly,
  expecting,
  item,
  journalOf,
  line,
  planned,
  ran,
  result,
  state,
} from '../rig/recorded-run.ts';

const slow: PlannedAction = { do: 'exec', argv: ['slow'] };
const quick: PlannedAction = { do: 'exec', argv: ['true'] };
const wait: PlannedAction = { do: 'wait-for', condition: { until: 'background', background: 'slow' } };
const kill: PlannedAction = { do: 'kill', background: 'slow' };
const netns = item('netns', 'cni-1');

interface Taken {
  readonly expect?: Partial<Expectation>;
  readonly end?: PlannedAction;
  readonly killed?: true;
  readonly exitCode?: number;
  readonly logs?: readonly string[];
}

/**
 * The plan and the journal of a run with a step in the background, another step meanwhile, and one that ends the
 * first.
 */
function recorded({ expect: wanted = {}, end = wait, killed, exitCode = 0, logs = [] }: Taken = {}) {
  const run = planned({ steps: [[slow, expecting(wanted), 'slow'], [quick], [end]] });
  const command = result(
    ['slow'],
    killed ? { exitCode: null, signal: 'SIGKILL', killed } : { exitCode, stderr: 'no such thing\n' },
  );
  const whole = journalOf(run, {
    steps: [
      { seen: [ran('1-exec', command)], state: state([netns]), log: logs[2] ?? '' },
      { log: logs[0] ?? '' },
      { state: state([netns]), log: logs[1] ?? '' },
    ],
  });
  const late = (entry: JournalEntry) =>
    'stepId' in entry && entry.stepId === '1-exec' && entry.kind !== 'step-started';
  const last = whole.findIndex((entry) => entry.kind === 'look' && entry.stepId === '3-' + end.do) - 1;
  const entries = [
    ...whole.slice(0, last).filter((entry) => !late(entry)),
    ...whole.filter(late),
    ...whole.slice(last),
  ];
  return { run, entries };
}

const outcomes = (taken?: Taken) => {
  const { run, entries } = recorded(taken);
  const { outcome, findings } = judge(run, entries);
  return { outcome, findings: findings.filter(({ stepId }) => stepId === '1-exec') };
};

test('a background step has to succeed if it was waited for, like any other step', () => {
  expect(outcomes().outcome).toBe('pass');
  expect(outcomes({ exitCode: 1 })).toMatchObject({
    outcome: 'fail',
    findings: [{ check: 'ok' }, {}].slice(0, 1),
  });
  expect(outcomes({ exitCode: 1, expect: { error: exactly('no such thing') } }).outcome).toBe('pass');
});

test('a background step is judged by the look after the wait, but what appeared meanwhile belongs to the step that was looked at first', () => {
  const none = { leftBehind: { none: true, place: at(23) } } as const;
  expect(outcomes({ expect: none }).findings).toContainEqual(
    expect.objectContaining({ outcome: 'fail', detail: ['netns cni-1 appeared in 1-exec'] }),
  );
});

test('the log of a background step is everything between its start and its end', () => {
  const logs = ['a', 'b', 'c'].map((word) => `time="2026-01-01T00:00:00Z" level=info msg=${word}\n`);
  const wanted = (message: string) => outcomes({ logs, expect: { log: [line(message)] } }).outcome;
  expect(wanted('a')).toBe('pass');
  expect(wanted('c')).toBe('pass');
  expect(wanted('d')).toBe('fail');
});

test('a background step that was killed while it ran has no answer: a failure unless none was expected', () => {
  const killed = { end: kill, killed: true } as const;
  expect(outcomes(killed)).toMatchObject({
    outcome: 'pass',
    findings: [
      { check: 'timed-out', message: 'command was killed after 100 ms: slow; no answer was expected' },
      {},
    ].slice(0, 1),
  });
  expect(outcomes({ ...killed, expect: { timedOut: true } }).outcome).toBe('pass');
  for (const wanted of [
    { ok: true },
    { ok: false },
    { exitCode: 1 },
    { error: exactly('x') },
    { timedOut: false },
  ])
    expect(outcomes({ ...killed, expect: wanted })).toMatchObject({
      outcome: 'fail',
      findings: [{ check: 'timed-out', actual: 'none' }],
    });
});

test('a background step that had ended before it was killed is judged by its answer', () => {
  expect(outcomes({ end: kill }).outcome).toBe('pass');
  expect(outcomes({ end: kill, exitCode: 1 }).outcome).toBe('fail');
  expect(outcomes({ end: kill, expect: { timedOut: true } }).outcome).toBe('fail');
});

test('a background step is inconclusive if the journal lacks one of its lines', () => {
  const { run, entries } = recorded();
  for (const kind of ['command', 'look', 'runtime-log', 'step-ended'] as const) {
    const without = entries.filter((entry) => entry.kind !== kind || entry.stepId !== '1-exec');
    expect(judge(run, without).outcome, kind).toBe('inconclusive');
  }
});

test('other steps settle without the background step', () => {
  const leftBehind = { none: true, place: at(23) } as const;
  const run = planned({ steps: [[slow, undefined, 'slow'], [quick, expecting({ leftBehind })], [wait]] });
  const entries = journalOf(run, { steps: [{}, { state: state([netns]) }] }).filter(
    (entry) => !('stepId' in entry) || entry.stepId !== '1-exec' || entry.kind === 'step-started',
  );
  const until = entries.findIndex((entry) => entry.kind === 'step-ended' && entry.stepId === '2-exec') + 1;
  expect(settlingOf(run, entries.slice(0, until), { stepId: '2-exec', node: undefined })).toBe('beyond');
});

test('after a background step the runtime must be as the steps meanwhile have left it', () => {
  const stop: PlannedAction = { do: 'kill-runtime' };
  const run = planned({ steps: [[slow, undefined, 'slow'], [stop], [wait], [quick]] });
  const ended = { runtime: 'ended' } as const;
  const whole = journalOf(run, { steps: [ended, ended, ended, ended] });
  const late = (entry: JournalEntry) =>
    'stepId' in entry && entry.stepId === '1-exec' && entry.kind !== 'step-started';
  const last = whole.findIndex((entry) => entry.kind === 'look' && entry.stepId === '3-wait-for') - 1;
  const entries = [
    ...whole.slice(0, last).filter((entry) => !late(entry)),
    ...whole.filter(late),
    ...whole.slice(last),
  ];
  const { outcome, findings } = judge(run, entries);
  expect(findings.filter((one) => one.outcome !== 'pass')).toEqual([]);
  expect(outcome).toBe('pass');
});
