import { expect, test } from 'vitest';

import type { NodeState } from '../../lab/core/node-state.ts';
import type { Finding } from '../../lab/judge/verdict.ts';
import type { Observation } from '../../lab/observe/observation.ts';
import type { ContainerExpectation, Expectation } from '../../lab/spec/scenario.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import { judge, settlingOf } from '../rig/judged.ts';
import { at, did, exactly, expecting, item, journalOf, planned, state } from '../rig/recorded-run.ts';

const ID = 'c'.repeat(64);
const place = at(30);
const start: PlannedAction = { do: 'start-container', container: 'app' };
const create: PlannedAction = {
  do: 'create-container',
  container: 'app',
  pod: 'web',
  command: ['sh'],
  seccomp: 'unconfined',
};
const LOG = ['2026-01-01T00:00:00.1Z stdout F hello', '2026-01-01T00:00:00.2Z stderr F ouch: no such file'];

const container = (detail: Readonly<Record<string, string>>, id = ID) => ({
  ...item('container', id, { name: 'app', sandbox: 'b', attempt: '0', createdAt: '5', ...detail }),
  log: LOG,
});
const EXITED = state([
  container({ state: 'exited', exitCode: '3', reason: 'Error', message: 'no "x"' }),
  container({ state: 'running', createdAt: '4' }, 'd'.repeat(64)), // an older one of the same name
]);
const RUNNING = state([container({ state: 'running', attempt: '2' })]);

function findingsOf(seen: NodeState, expect: Partial<Expectation>, action = start): readonly Finding[] {
  const run = planned({ steps: [[action, expecting(expect)]] });
  return judge(run, journalOf(run, { steps: [{ state: seen }] })).findings;
}

const judgedState = (seen: NodeState, wanted: Omit<ContainerExpectation, 'place'>): readonly Finding[] =>
  findingsOf(seen, { container: { place, ...wanted } }).filter(({ check }) => check === 'container');

const outcomes = (findings: readonly Finding[]) => findings.map(({ outcome }) => outcome);

test('a container’s state and its exit can be expected', () => {
  const ended = {
    state: 'exited',
    exitCode: 3,
    reason: exactly('Error'),
    message: exactly('no "x"'),
  } as const;
  expect(outcomes(judgedState(EXITED, ended))).toEqual(['pass', 'pass', 'pass']);
  expect(outcomes(judgedState(EXITED, { reason: exactly('Error') }))).toEqual(['pass']);
  expect(outcomes(judgedState(RUNNING, { state: 'running', restarts: 2 }))).toEqual(['pass']);
  expect(outcomes(judgedState(state(), { state: 'absent' }))).toEqual(['pass']);
});

test('a different exit code is a failure with the container’s last output', () => {
  expect(judgedState(EXITED, { exitCode: 4 })).toEqual([
    {
      check: 'container',
      outcome: 'fail',
      stepId: '1-start-container',
      place,
      message: 'container app is { exit-code: 3 }, expected { exit-code: 4 }',
      expected: '{ exit-code: 4 }',
      actual: '{ exit-code: 3 }',
      paste: 'container: { exit-code: 3 }',
      detail: [
        'container app exited with 3: Error: no "x"',
        'its log  hello',
        'its log  stderr: ouch: no such file',
      ],
    },
  ]);
});

test('a text is compared byte for byte', () => {
  expect(judgedState(EXITED, { state: 'exited', message: exactly('no "y"') })).toMatchObject([
    { outcome: 'pass' },
    {
      outcome: 'fail',
      message: 'the message of container app differs at character 5',
      actual: 'no "x"',
      paste: `container: { message: 'no "x"' }`,
    },
  ]);
});

test('a container that has not exited has no exit code and no reason', () => {
  const message = 'container app is { state: running }, expected';
  expect(judgedState(RUNNING, { exitCode: 0 })).toMatchObject([
    { outcome: 'fail', message: `${message} { exit-code: 0 }` },
  ]);
  expect(judgedState(RUNNING, { reason: exactly('') })).toMatchObject([
    { outcome: 'fail', message: `${message} { reason: '' }` },
  ]);
  expect(judgedState(state(), { exitCode: 0 })).toMatchObject([
    { outcome: 'fail', actual: '{ state: absent }' },
  ]);
});

test('a container’s name can be expected after any step', () => {
  const containers = { app: { place, state: 'running' } as const };
  const exec: PlannedAction = { do: 'exec', argv: ['true'] };
  const [finding] = findingsOf(EXITED, { containers }, exec).filter(({ check }) => check === 'container');
  expect(finding).toMatchObject({ outcome: 'fail', paste: 'containers: { app: { state: exited } }' });
});

test('a container is inconclusive if CRI did not answer', () => {
  const blind = state([], [{ kind: 'container', why: 'refused' }]);
  expect(judgedState(blind, { state: 'absent' })).toMatchObject([
    { outcome: 'inconclusive', message: 'the containers are not known: refused' },
  ]);
});

test('a failed step about a container shows the container’s state', () => {
  const run = planned({ steps: [[start]] });
  const seen = did(start, '1-start-container').map((one): Observation =>
    one.kind === 'command' ? { ...one, result: { ...one.result, exitCode: 1, stderr: 'no' } } : one,
  );
  const { findings } = judge(run, journalOf(run, { steps: [{ state: EXITED, seen }] }));
  const bad = findings.find(({ outcome }) => outcome === 'fail');
  expect(bad?.detail?.slice(-3)).toEqual([
    'container app exited with 3: Error: no "x"',
    'its log  hello',
    'its log  stderr: ouch: no such file',
  ]);
});

test('an expected exit is waited for', () => {
  const settling = (seen: NodeState, wanted: Omit<ContainerExpectation, 'place'>) => {
    const run = planned({ steps: [[start, expecting({ container: { place, ...wanted } })]] });
    const entries = journalOf(run, { steps: [{ state: seen }] }).filter(({ kind }) => kind !== 'run-ended');
    return settlingOf(run, entries, { stepId: '1-start-container', node: undefined });
  };
  expect(settling(RUNNING, { state: 'exited' })).toBe('beyond');
  expect(settling(RUNNING, { exitCode: 3 })).toBe('beyond');
  expect(settling(RUNNING, { state: 'running' })).toBe('settled');
  expect(settling(EXITED, { exitCode: 4 })).toBe('settled');
  expect(settling(EXITED, { state: 'running' })).toBe('settled');
});

test('a key that the runtime dropped is a failure unless the file says so', () => {
  const created = (value: string | undefined, expect: Partial<Expectation> = {}) => {
    const run = planned({ steps: [[create, expecting(expect)]] });
    const seen: readonly Observation[] = [
      ...did(create, '1-create-container').filter(
        (one) => one.kind !== 'capture' || !one.name.endsWith('.ignored'),
      ),
      { kind: 'capture', stepId: '1-create-container', name: 'app.id', value: ID },
      ...(value === undefined
        ? []
        : [{ kind: 'capture', stepId: '1-create-container', name: 'app.ignored', value } as const]),
    ];
    return judge(run, journalOf(run, { steps: [{ seen, state: RUNNING }] })).findings.filter(
      ({ outcome }) => outcome !== 'pass',
    );
  };
  expect(created('')).toEqual([]);
  expect(created('seccomp')).toMatchObject([
    {
      check: 'container',
      message: 'the runtime does not know seccomp of container app, and has created it without',
      paste: 'container: { ignored: [seccomp] }',
    },
  ]);
  expect(created('seccomp', { container: { place, ignored: ['seccomp'] } })).toEqual([]);
  expect(created('', { container: { place, ignored: ['seccomp'] } })).toMatchObject([{ outcome: 'fail' }]);
  expect(created(undefined)[0]?.message).toContain('it lacks the value of app.ignored');
});
