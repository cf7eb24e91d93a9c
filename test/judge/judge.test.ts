import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { RUNTIME_STATES, STATE_KINDS } from '../../lab/core/node-state.ts';
import { judge } from '../rig/judged.ts';
import type { JournalEntry, Observation } from '../../lab/observe/observation.ts';
import type { Control } from '../../lab/spec/scenario.ts';
import {
  at,
  crictlError,
  exactly,
  expecting,
  item,
  journalOf,
  line,
  planned,
  ran,
  result,
  runPod,
  state,
  stopPod,
} from '../rig/recorded-run.ts';

const RUNP = ['crictl', 'runp', '/lab/pods/web.json'];
const bad = (said: string) => ran('1-run-pod', result(RUNP, { exitCode: 1, stderr: crictlError(said) }));
const notPassed = (run: Parameters<typeof judge>[0], entries: readonly JournalEntry[]) =>
  judge(run, entries).findings.filter(({ outcome }) => outcome !== 'pass');

describe('a run that passes', () => {
  test('has a finding for each expectation, for its end and for its node', () => {
    const run = planned({ steps: [[runPod]], end: expecting({ pods: 'none' }) });
    expect(judge(run, journalOf(run))).toEqual({
      outcome: 'pass',
      findings: [
        {
          check: 'ok',
          outcome: 'pass',
          stepId: '1-run-pod',
          place: at(20),
          message: 'succeeded, as expected',
        },
        { check: 'pod', outcome: 'pass', stepId: 'end', place: at(20), message: 'no pods, as expected' },
        { check: 'ran', outcome: 'pass', stepId: 'end', place: at(1), message: 'every step was taken' },
        {
          check: 'cleanup',
          outcome: 'pass',
          stepId: 'end',
          place: at(1),
          message: 'nothing went wrong in taking the node down',
        },
      ],
    });
  });

  test('has at least one expectation', () => {
    const run = planned({});
    expect(judge(run, journalOf(run)).outcome).toBe('inconclusive');
  });
});

describe('a run that did not come to its end', () => {
  const run = planned({ steps: [[runPod], [stopPod]], end: expecting({ pods: 'none' }) });
  const whole = journalOf(run);
  const upTo = (kind: JournalEntry['kind'], stepId: string) =>
    whole.slice(
      0,
      whole.findIndex((entry) => entry.kind === kind && 'stepId' in entry && entry.stepId === stepId),
    );

  test('is inconclusive wherever its journal breaks off', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(judge(run, whole.slice(0, length)).outcome).toBe('inconclusive');
    }
    expect(judge(run, whole).outcome).toBe('pass');
  });

  test('has what happened and what was not done', () => {
    const started = upTo('step-started', '2-stop-pod');
    const entries: readonly JournalEntry[] = [
      ...started,
      { kind: 'interrupted', by: 'SIGINT', atMs: 90 },
      { kind: 'run-ended', entries: started.length + 2, atMs: 91 },
    ];
    expect(notPassed(run, entries)).toEqual([
      {
        check: 'ran',
        outcome: 'inconclusive',
        stepId: '2-stop-pod',
        place: at(11),
        message: 'the run did not come to its end: interrupted by SIGINT',
        expected: 'all 2 steps taken',
        actual: '1 taken',
        detail: ['not taken to the end: 2-stop-pod'],
      },
    ]);
  });

  test('because of the lab is inconclusive', () => {
    const after: readonly Observation[] = [
      { kind: 'lab-failure', during: 'the steps', message: 'the agent went away' },
    ];
    expect(
      notPassed(run, journalOf(run, { after })).map(({ check, outcome, message }) => [
        check,
        outcome,
        message,
      ]),
    ).toEqual([
      ['ran', 'inconclusive', 'the run did not come to its end: during the steps: the agent went away'],
    ]);
  });

  test('because a scripted plugin did not follow its script is inconclusive', () => {
    const text = `time="2026-01-01T00:00:00Z" level=error msg="the scripted plugin mycni of cnilab cannot follow its script: no"\n`;
    const after: readonly Observation[] = [{ kind: 'runtime-log', stepId: '1-run-pod', text }];
    expect(
      notPassed(run, journalOf(run, { after })).map(({ check, outcome, message }) => [
        check,
        outcome,
        message,
      ]),
    ).toEqual([
      [
        'ran',
        'inconclusive',
        'the run did not come to its end: the scripted plugin mycni of cnilab cannot follow its script: no',
      ],
    ]);
  });

  test('ignores the step that was being taken, but judges the steps before it', () => {
    const hung = [...upTo('look', '1-run-pod'), { ...bad('killed with the lab'), atMs: 50 }];
    expect(judge(run, hung).outcome).toBe('inconclusive');
    const failed = journalOf(run, { steps: [{ seen: [bad('no')] }] }).slice(0, -4);
    expect(judge(run, failed).outcome).toBe('fail');
  });
});

test('a step with nothing to act on is inconclusive, and expectations about its commands are not judged', () => {
  const run = planned({
    steps: [[stopPod, expecting({ error: exactly('no'), leftBehind: { none: true, place: at(23) } })]],
  });
  const seen: readonly Observation[] = [
    { kind: 'not-run', stepId: '1-stop-pod', why: 'no sandbox of pod web was ever listed' },
  ];
  const { outcome, findings } = judge(run, journalOf(run, { steps: [{ seen }] }));
  expect(outcome).toBe('inconclusive');
  expect(findings.map(({ check, outcome, message }) => `${check} ${outcome}: ${message}`)).toEqual([
    'ran inconclusive: the step could not be taken: no sandbox of pod web was ever listed',
    'left-behind pass: left behind is none, as expected',
    'cleanup pass: nothing went wrong in taking the node down',
  ]);
});

test('a failed cleanup is inconclusive', () => {
  const run = planned({ steps: [[runPod]] });
  const after: readonly Observation[] = [
    { kind: 'cleanup-failure', what: 'end node lab-1', message: 'busy' },
  ];
  expect(notPassed(run, journalOf(run, { after }))).toEqual([
    {
      check: 'cleanup',
      outcome: 'inconclusive',
      stepId: 'end',
      place: at(1),
      message: 'the lab could not end node lab-1: busy',
    },
  ]);
});

test("a finding that does not pass has the last five lines of containerd's log from its step", () => {
  const run = planned({ steps: [[runPod], [stopPod]] });
  const log = '1\n2\n3\n4\n5\n6\n';
  expect(
    notPassed(run, journalOf(run, { steps: [{ seen: [bad('no')], log }, { log: 'later\n' }] }))[0]?.log,
  ).toEqual(['2', '3', '4', '5', '6']);
});

describe('a control', () => {
  const control: Control = {
    outcome: 'fail',
    finding: 'error',
    step: '1-run-pod',
    message: exactly('two'),
  };
  const expectation = expecting({ error: exactly('one') });
  const on = (
    one: Control,
    seen: readonly Observation[],
    more: { expect?: typeof expectation; after?: readonly Observation[] } = {},
  ) => {
    const run = planned({ control: one, steps: [[runPod, more.expect ?? expectation]] });
    const { outcome, findings } = judge(run, journalOf(run, { steps: [{ seen }], after: more.after ?? [] }));
    return { outcome, control: findings.find(({ check }) => check === 'control') };
  };

  test('passes when it fails by the check that it names', () => {
    expect(on(control, [bad('two')])).toEqual({
      outcome: 'pass',
      control: {
        check: 'control',
        outcome: 'pass',
        stepId: 'end',
        place: at(1),
        expected: 'fail by error of 1-run-pod that says "two"',
        actual: 'fail by error of 1-run-pod',
        message: 'fail by error of 1-run-pod, as it must',
      },
    });
  });

  test('fails when it passes', () => {
    expect(on(control, [bad('one')])).toEqual({
      outcome: 'fail',
      control: {
        check: 'control',
        outcome: 'fail',
        stepId: 'end',
        place: at(1),
        expected: 'fail by error of 1-run-pod that says "two"',
        actual: 'pass',
        message: 'the control came out as pass, expected fail by error of 1-run-pod',
        detail: [],
      },
    });
  });

  test('fails when another check fails, instead of the named one or in addition to it', () => {
    expect(on({ ...control, finding: 'left-behind' }, [bad('two')])).toMatchObject({
      outcome: 'fail',
      control: {
        message:
          'the control came out as fail by error of 1-run-pod, expected fail by left-behind of 1-run-pod',
        detail: ['1-run-pod error: error differs at character 1 (two)'],
      },
    });
    const both = { ...expectation, ok: false, exitCode: 7 };
    expect(on(control, [bad('two')], { expect: both })).toMatchObject({
      outcome: 'fail',
      control: {
        message:
          'the control came out as fail by error of 1-run-pod, fail by exit-code of 1-run-pod, expected fail by error of 1-run-pod alone',
      },
    });
  });

  test('fails when it is inconclusive and must fail, and vice versa', () => {
    const notRun: readonly Observation[] = [{ kind: 'not-run', stepId: '1-run-pod', why: 'no' }];
    expect(on(control, notRun).outcome).toBe('fail');
    expect(
      on(
        {
          ...control,
          outcome: 'inconclusive',
          finding: 'ran',
          message: exactly('the step could not be taken: no'),
        },
        notRun,
      ).outcome,
    ).toBe('pass');
    expect(on({ ...control, outcome: 'inconclusive' }, [bad('two')]).outcome).toBe('fail');
  });

  test('fails when the finding is from another step or has another message', () => {
    expect(on({ ...control, step: '2-stop-pod' }, [bad('two')])).toMatchObject({
      outcome: 'fail',
      control: {
        message: 'the control came out as fail by error of 1-run-pod, expected fail by error of 2-stop-pod',
      },
    });
    expect(on({ ...control, message: exactly('three') }, [bad('two')])).toMatchObject({
      outcome: 'fail',
      control: {
        message: 'the control came out as fail by error of 1-run-pod, which does not say what it must',
        expected: 'fail by error of 1-run-pod that says "three"',
        detail: ['1-run-pod error: error differs at character 1 (two)'],
      },
    });
    expect(on({ ...control, message: exactly('error differs at character 1') }, [bad('two')]).outcome).toBe(
      'pass',
    );
  });

  test('is inconclusive when the lab could not do the run, even if inconclusive is the expected outcome', () => {
    const after: readonly Observation[] = [{ kind: 'lab-failure', during: 'the steps', message: 'no' }];
    expect(on(control, [bad('two')], { after }).outcome).toBe('inconclusive');
    expect(
      on(
        {
          ...control,
          outcome: 'inconclusive',
          finding: 'ran',
          message: exactly('the step could not be taken: no'),
        },
        [bad('one')],
        { after },
      ).outcome,
    ).toBe('inconclusive');
  });
});

describe('for any journal', () => {
  const stepId = fc.constantFrom('start', '1-run-pod', '2-stop-pod', 'end', 'x');
  const text = fc.constantFrom(
    '',
    'one',
    'a'.repeat(64),
    '${web.id}',
    'level=error msg="one"\n',
    '\u0000\ud800',
  );
  const stateItem = fc.record({ kind: fc.constantFrom(...STATE_KINDS), name: text });
  const observation: fc.Arbitrary<Observation> = fc.oneof(
    fc.record({ kind: fc.constant('step-started' as const), stepId }),
    fc.record({ kind: fc.constant('step-ended' as const), stepId }),
    fc.record({ kind: fc.constant('run-ended' as const), entries: fc.nat() }),
    fc.record({ kind: fc.constant('interrupted' as const), by: text }),
    fc.record({ kind: fc.constant('not-run' as const), stepId, why: text }),
    fc.record({ kind: fc.constant('runtime-log' as const), stepId, text }),
    fc.record({
      kind: fc.constant('capture' as const),
      stepId,
      name: fc.constantFrom('web.id', 'x'),
      value: text,
    }),
    fc.record({ kind: fc.constant('lab-failure' as const), during: text, message: text }),
    fc.record({
      kind: fc.constant('look' as const),
      stepId,
      state: fc.record({
        items: fc.array(stateItem, { maxLength: 4 }),
        unseen: fc.array(fc.record({ kind: fc.constantFrom(...STATE_KINDS), why: text }), { maxLength: 2 }),
      }),
      runtime: fc.constantFrom(...RUNTIME_STATES),
    }),
    fc
      .record({
        stepId,
        exitCode: fc.constantFrom(0, 1, null),
        stderr: text,
        argv: fc.constantFrom([], RUNP),
      })
      .map(({ stepId: id, argv, ...more }) => ran(id, result(argv, more))),
  );
  const journal = fc
    .array(observation, { maxLength: 30 })
    .map((all): readonly JournalEntry[] => all.map((one) => ({ ...one, atMs: 0 })));
  const run = planned({
    steps: [
      [
        runPod,
        expecting({
          error: exactly('${web.id}${x:word}'),
          pod: { ips: ['${web.ip}'] },
          log: [line('${x:word}')],
        }),
      ],
      [
        stopPod,
        expecting({
          output: exactly('one'),
          exitCode: 0,
          leftBehind: { none: false, kinds: { netns: ['${web.id}'], shared: 1 }, place: at(23) },
        }),
      ],
    ],
    end: expecting({ pods: 'none', noLog: [line('one')], leftBehind: { none: true, place: at(24) } }),
  });

  test('the judge does not throw, never passes with a finding that does not pass, and always has a finding', () => {
    fc.assert(
      fc.property(journal, (entries) => {
        const { outcome, findings } = judge(run, entries);
        expect(findings.length).toBeGreaterThan(0);
        if (outcome === 'pass') expect(findings.every((finding) => finding.outcome === 'pass')).toBe(true);
      }),
    );
  });

  test('only a run that ended can pass', () => {
    fc.assert(
      fc.property(journal, (entries) => {
        if (!entries.some(({ kind }) => kind === 'run-ended'))
          expect(judge(run, entries).outcome).not.toBe('pass');
      }),
    );
  });

  test('an item is the same in whatever order a look lists it', () => {
    const left = planned({
      steps: [[runPod, expecting({ leftBehind: { none: false, kinds: { netns: 1 }, place: at(23) } })]],
    });
    const items = [
      item('netns', 'a'),
      item('veth', 'b'),
      item('bridge', 'c'),
      item('ipam', 'd'),
      item('netns', 'a'),
    ];
    const outcome = (seen: typeof items) =>
      judge(left, journalOf(left, { steps: [{ state: state(seen) }] })).findings.map(
        ({ check, outcome: one, actual }) => [check, one, actual],
      );
    fc.assert(
      fc.property(fc.shuffledSubarray(items, { minLength: items.length }), (seen) => {
        expect(outcome(seen)).toEqual(outcome(items));
      }),
    );
  });
});
