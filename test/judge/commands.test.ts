import { describe, expect, test } from 'vitest';

import type { Finding } from '../../lab/judge/verdict.ts';
import { judge } from '../rig/judged.ts';
import type { Observation } from '../../lab/observe/observation.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import {
  at,
  crictlError,
  exactly,
  expecting,
  journalOf,
  planned,
  ran,
  result,
  runPod,
  sandbox,
  state,
} from '../rig/recorded-run.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const RUNP = ['crictl', 'runp', '/lab/pods/web.json'];
const failed = (message: string) => result(RUNP, { exitCode: 1, stderr: crictlError(message) });

/** The findings for the only step of a run, with this action. */
function findingsOn(
  action: PlannedAction,
  seen: readonly Observation[],
  expect_?: Expectation,
): readonly Finding[] {
  const run = planned({ steps: [[action, expect_]] });
  return judge(run, journalOf(run, { steps: [{ seen }] })).findings.filter(({ stepId }) =>
    stepId.startsWith('1-'),
  );
}
const onRunPod = (seen: readonly Observation[], expect_?: Expectation) => findingsOn(runPod, seen, expect_);

describe('ok', () => {
  test('is the default expectation of a step', () => {
    expect(onRunPod([ran('1-run-pod', result(RUNP))])).toEqual([
      { check: 'ok', outcome: 'pass', stepId: '1-run-pod', place: at(20), message: 'succeeded, as expected' },
    ]);
  });

  test('fails if a file to be removed does not exist', () => {
    const remove = { do: 'remove-files', nodePaths: ['/etc/a', '/etc/b'] } as const;
    const seen = {
      kind: 'files',
      stepId: '1-remove-files',
      written: [],
      removed: ['/etc/a'],
      absent: ['/etc/b'],
    } as const;
    expect(
      findingsOn(remove, [seen]).map(({ check, outcome, message, detail }) => [
        check,
        outcome,
        message,
        detail?.[0],
      ]),
    ).toEqual([['ok', 'fail', 'failed, expected success', '/etc/b was to be removed and was not there']]);
  });

  test('fails with the command and the runtime’s message, ready to paste', () => {
    expect(onRunPod([ran('1-run-pod', failed('no "plugin"'))])).toEqual([
      {
        check: 'ok',
        outcome: 'fail',
        stepId: '1-run-pod',
        place: at(20),
        message: 'failed, expected success',
        expected: 'ok: true',
        actual: 'no "plugin"',
        detail: ['command exited with 1: crictl runp /lab/pods/web.json', 'it said  no "plugin"'],
        paste: `error: 'no "plugin"'`,
      },
    ]);
  });

  test('also applies if only the state is expected', () => {
    const findings = onRunPod(
      [ran('1-run-pod', failed('no'))],
      expecting({ leftBehind: { none: true, place: at(23) } }),
    );
    expect(findings.map(({ check, outcome }) => [check, outcome])).toEqual([
      ['ok', 'fail'],
      ['left-behind', 'pass'],
    ]);
  });

  test('false fails if everything succeeded', () => {
    expect(onRunPod([ran('1-run-pod', result(RUNP))], expecting({ ok: false }))).toEqual([
      {
        check: 'ok',
        outcome: 'fail',
        stepId: '1-run-pod',
        place: at(20),
        message: 'succeeded, expected failure',
        expected: 'ok: false',
        actual: 'ok: true',
        detail: ['crictl runp /lab/pods/web.json'],
        paste: 'ok: true',
      },
    ]);
    expect(onRunPod([ran('1-run-pod', failed('no'))], expecting({ ok: false }))[0]?.outcome).toBe('pass');
  });

  test('has the signal by which a command ended', () => {
    const killed = result(RUNP, { exitCode: null, signal: 'SIGKILL' });
    expect(onRunPod([ran('1-run-pod', killed)])[0]?.detail?.[0]).toBe(
      'command was ended by SIGKILL: crictl runp /lab/pods/web.json',
    );
  });

  test('passes for a condition that was waited for', () => {
    const waited = {
      kind: 'waited',
      stepId: '1-wait-for',
      what: 'the network to be ready',
      waitedMs: 500,
      timedOut: false,
    } as const;
    const action = {
      do: 'wait-for',
      condition: { until: 'network-ready', network: { place: at(19), ready: true } },
    } as const;
    const [vain] = findingsOn(action, [{ ...waited, met: false, lastSeen: 'cni plugin not initialized' }]);
    expect([vain?.outcome, vain?.detail?.[0], vain?.actual]).toEqual([
      'fail',
      'waited 500 ms in vain for the network to be ready',
      'cni plugin not initialized',
    ]);
    expect(findingsOn(action, [{ ...waited, met: true, lastSeen: '' }])[0]?.outcome).toBe('pass');
  });
});

describe('error', () => {
  const reserved = expecting({ ok: false, error: exactly('name "web" is reserved for "${web.id}"') });

  test('is compared byte for byte, without crictl’s additions, with captures filled in', () => {
    expect(onRunPod([ran('1-run-pod', failed(`name "web" is reserved for "${A}"`))], reserved)).toEqual([
      {
        check: 'error',
        outcome: 'pass',
        stepId: '1-run-pod',
        place: at(21),
        message: 'error is exactly as expected',
      },
    ]);
  });

  test('that differs has a pointer to the first different character', () => {
    expect(onRunPod([ran('1-run-pod', failed(`name "wed" is reserved for "${A}"`))], reserved)).toEqual([
      {
        check: 'error',
        outcome: 'fail',
        stepId: '1-run-pod',
        place: at(21),
        message: 'error differs at character 9',
        expected: 'name "web" is reserved for "${web.id}"',
        actual: `name "wed" is reserved for "${A}"`,
        detail: [
          'expected  name "web" is reserved for "${web.id}"',
          `actual    name "wed" is reserved for "${A}"`,
          '                  ^ first difference',
          'command exited with 1: crictl runp /lab/pods/web.json',
        ],
        paste: `error: 'name "wed" is reserved for "\${web.id}"'`,
      },
    ]);
  });

  test('fails if the command succeeded', () => {
    expect(onRunPod([ran('1-run-pod', result(RUNP))], reserved)).toEqual([
      {
        check: 'error',
        outcome: 'fail',
        stepId: '1-run-pod',
        place: at(21),
        message: 'succeeded, expected an error: crictl runp /lab/pods/web.json',
        expected: 'name "web" is reserved for "${web.id}"',
        actual: 'no error',
        paste: 'ok: true',
      },
    ]);
  });

  test('of any other command is its standard error without the last line break', () => {
    const exec = { do: 'exec', argv: ['false'] } as const;
    const seen = [ran('1-exec', result(['false'], { exitCode: 1, stderr: 'one\ntwo\n' }))];
    expect(findingsOn(exec, seen, expecting({ error: exactly('one\ntwo') }))[0]?.outcome).toBe('pass');
    expect(findingsOn(exec, seen, expecting({ error: exactly('one\ntwo\n') }))[0]?.outcome).toBe('fail');
  });

  test('of listed pods must be the error of each pod, with its own id', () => {
    const stopp = (id: string, said?: string): Observation =>
      ran(
        '1-stop-listed-pods',
        result(['crictl', 'stopp', id], said === undefined ? {} : { exitCode: 1, stderr: crictlError(said) }),
        { id },
      );
    const expectation = expecting({ error: exactly('cannot stop "${listed.id}"') });
    const run = planned({ steps: [[{ do: 'stop-listed-pods' }, expectation]] });
    const on = (...seen: Observation[]) =>
      judge(run, journalOf(run, { start: state([sandbox(A), sandbox(B)]), steps: [{ seen }] }))
        .findings.filter(({ stepId }) => stepId.startsWith('1-'))
        .map(({ check, outcome }) => `${check} ${outcome}`);
    expect(on(stopp(A, `cannot stop "${A}"`), stopp(B, `cannot stop "${B}"`))).toEqual(['error pass']);
    expect(on(stopp(A, `cannot stop "${A}"`), stopp(B))).toEqual(['error fail']);
    expect(on(stopp(A, `cannot stop "${A}"`), stopp(B, `cannot stop "${A}"`))).toEqual(['error fail']);
    expect(on(stopp(A), stopp(B))).toEqual(['error fail']);
    expect(on(stopp(A, `cannot stop "${A}"`))).toEqual(['ran inconclusive']);
  });

  test('may be a part of the text if the file gives the reason', () => {
    const part = expecting({
      error: { contains: 'is reserved', why: 'the rest is of the kernel', place: at(21) },
    });
    expect(onRunPod([ran('1-run-pod', failed('name "web" is reserved for x'))], part)[0]?.outcome).toBe(
      'pass',
    );
    const [finding] = onRunPod([ran('1-run-pod', failed('name "web" is taken'))], part);
    expect([finding?.outcome, finding?.message]).toEqual([
      'fail',
      'error does not contain what is expected; the nearest part differs at character 15',
    ]);
  });
});

describe('an id', () => {
  const twice = expecting({ error: exactly('cannot run "${web.id}"') });

  test('that a message has bound stays the same afterwards', () => {
    const run = planned({
      steps: [
        [runPod, twice],
        [{ do: 'exec', argv: ['cat'] }, expecting({ output: exactly('${web.id}') })],
      ],
    });
    const outcomes = (printed: string) =>
      judge(
        run,
        journalOf(run, {
          steps: [
            { seen: [ran('1-run-pod', failed(`cannot run "${A}"`))] },
            { seen: [ran('2-exec', result(['cat'], { stdout: `${printed}\n` }))] },
          ],
        }),
      ).outcome;
    expect(outcomes(A)).toBe('pass');
    expect(outcomes(B)).toBe('fail');
  });

  test('is that of the newest attempt to run the pod', () => {
    const run = planned({
      steps: [
        [runPod, twice],
        [runPod, twice],
      ],
    });
    const entries = journalOf(run, {
      steps: [
        { seen: [ran('1-run-pod', failed(`cannot run "${A}"`))] },
        { seen: [ran('2-run-pod', failed(`cannot run "${B}"`))] },
      ],
    });
    expect(judge(run, entries).outcome).toBe('pass');
  });

  test('that the lab saw must be the one in the message', () => {
    const run = planned({ steps: [[runPod, twice]] });
    const seen: readonly Observation[] = [
      ran('1-run-pod', failed(`cannot run "${A}"`)),
      { kind: 'capture', stepId: '1-run-pod', name: 'web.id', value: B },
    ];
    const judged = (start = state()) => judge(run, journalOf(run, { start, steps: [{ seen }] })).outcome;
    expect(judged()).toBe('fail');
    // unless it was listed before: then the failed attempt left no sandbox, and the lab saw an older one
    expect(judged(state([sandbox(B)]))).toBe('pass');
  });
});

describe('exit code', () => {
  const seen = [ran('1-exec', result(['sh', '-c', 'exit 3'], { exitCode: 3 }))];
  const on = (exitCode: number, observed: readonly Observation[] = seen) =>
    findingsOn({ do: 'exec', argv: ['sh'] }, observed, expecting({ exitCode }));

  test('passes, and the command need not have succeeded', () => {
    expect(on(3)).toEqual([
      {
        check: 'exit-code',
        outcome: 'pass',
        stepId: '1-exec',
        place: at(20),
        message: 'exited with 3, as expected',
      },
    ]);
  });

  test('fails with the actual code', () => {
    expect(on(4)).toEqual([
      {
        check: 'exit-code',
        outcome: 'fail',
        stepId: '1-exec',
        place: at(20),
        message: `ended with 3, expected 4: sh -c 'exit 3'`,
        expected: '4',
        actual: '3',
        paste: 'exit-code: 3',
      },
    ]);
  });

  test('is inconclusive if no command was run', () => {
    const run = planned({ steps: [[{ do: 'stop-listed-pods' }, expecting({ exitCode: 0 })]] });
    const [finding] = judge(run, journalOf(run)).findings;
    expect([finding?.outcome, finding?.message]).toEqual([
      'inconclusive',
      'no command was run, expected one to exit with 0',
    ]);
  });
});

describe('output', () => {
  const on = (
    stdout: string,
    seen: readonly Observation[] = [ran('1-exec', result(['cat'], { stdout }))],
    wanted = 'hello',
  ) =>
    findingsOn({ do: 'exec', argv: ['cat'] }, seen, expecting({ output: exactly(wanted) })).filter(
      ({ check }) => check === 'output',
    );
  const printed = (stdout: string, { wanted }: { wanted: string }) => on(stdout, undefined, wanted)[0];

  test('is exact except for the line break at its end', () => {
    expect(on('hello\n')[0]?.outcome).toBe('pass');
    expect(on('hello\n\n').map(({ outcome, message, detail }) => [outcome, message, detail])).toEqual([
      [
        'fail',
        'output differs at character 6',
        [
          'expected  hello',
          'actual    hello␊',
          '               ^ first difference: nothing more was expected',
          'printed by cat',
        ],
      ],
    ]);
  });

  test('includes the line break at its end if the expected text has one', () => {
    expect(printed('hello\n', { wanted: 'hello\n' })?.outcome).toBe('pass');
    expect(printed('hello', { wanted: 'hello\n' })?.outcome).toBe('fail');
    expect(printed('hello\n\n', { wanted: 'hello\n' })?.outcome).toBe('fail');
  });

  test('that is not UTF-8 equals only a text of the same bytes', () => {
    expect(printed('\udcff\udcfe', { wanted: '\ufffd\ufffd' })).toMatchObject({
      outcome: 'fail',
      detail: [
        'expected  \ufffd\ufffd',
        'actual    <0xFF><0xFE>',
        '          ^ first difference: expected U+FFFD, actual 0xFF',
        'printed by cat',
      ],
    });
    expect(printed('\udcff\udcfe', { wanted: '\udcff\udcfd' })?.outcome).toBe('fail');
    expect(printed('\udcff\udcfe', { wanted: '\udcff\udcfe' })?.outcome).toBe('pass');
  });

  test('is inconclusive if no command was run', () => {
    const run = planned({ steps: [[{ do: 'stop-listed-pods' }, expecting({ output: exactly('') })]] });
    expect(judge(run, journalOf(run)).outcome).toBe('inconclusive');
  });
});

test.each([
  ['its message and details', '{ "code": 7, "msg": "no", "details": "way" }', 'warned', 'no; way'],
  ['its message', '{ "code": 7, "msg": "no" }', '', 'no'],
  ['its standard error where it says nothing', '', 'no way\n', 'no way'],
  ['its standard error where it prints no error', '{ "ips": [] }', 'no way\n', 'no way'],
])('the error of a plugin that was called alone is %s', (_, stdout, stderr, said) => {
  const action: PlannedAction = { do: 'cni', verb: 'add', plugin: 'bridge' };
  const argv = ['/lab/bin/agent', 'cni', 'add', '--plugin', 'bridge'];
  const seen = [ran('1-cni', result(argv, { exitCode: 1, stdout, stderr }))];
  const outcomes = (error: string) =>
    findingsOn(action, seen, expecting({ error: exactly(error) }))
      .filter(({ check }) => check === 'error')
      .map(({ outcome }) => outcome);
  expect([outcomes(said), outcomes(`${said}!`)]).toEqual([['pass'], ['fail']]);
});
