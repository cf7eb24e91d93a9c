import { expect, test } from 'vitest';

import { LabError } from '../../lab/core/lab-error.ts';
import type { StateItem } from '../../lab/core/node-state.ts';
import { StepFailed } from '../../lab/library/check.ts';
import '../../lab/vitest.ts';
import { fakeStartedNode, stateOf } from '../rig/fake-started-node.ts';

const ID = 'a'.repeat(64);
const failed = () =>
  new StepFailed({
    stepId: '1-run-pod',
    message: '1-run-pod: command exited with 1: crictl runp /lab/pods/web.json\n  it said  …',
    errorText: `sandbox "${ID}" is reserved`,
    known: new Map([['web.id', ID]]),
  });
const command = (exitCode: number) => ({
  argv: ['crictl', 'pods'],
  exitCode,
  signal: null,
  stdout: '',
  stderr:
    'time="2022-01-01T00:00:00Z" level=fatal msg="listing pods: rpc error: code = Unknown desc = no, not now"\n',
  durationMs: 1,
  timedOut: false,
});

/** The message of a failed expectation. */
const wordsOf = (failing: Promise<void>): Promise<unknown> =>
  failing.then(
    () => 'it held',
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : thrown),
  );

test('toFailWith accepts a running step, a function that takes one, and a thrown error', async () => {
  await expect(Promise.reject(failed())).toFailWith('sandbox "${web.id}" is reserved');
  await expect(() => Promise.reject(failed())).toFailWith(`sandbox "${ID}" is reserved`);
  await expect(failed()).toFailWith('sandbox "${other:id}" is reserved');
  await expect(failed()).toFailWith({ contains: 'is res', why: 'the rest varies' });
});

test('toFailWith accepts the result of a command, without crictl’s additions', async () => {
  await expect(command(1)).toFailWith('no, not now');
  expect(await wordsOf(expect(command(0)).toFailWith('no, not now'))).toBe(
    'succeeded, expected an error: crictl pods\n  expected  no, not now',
  );
});

test('toFailWith shows both texts with a pointer if they differ, and the command', async () => {
  expect(await wordsOf(expect(failed()).toFailWith('sandbox "${web.id}" is reversed'))).toBe(
    [
      'error differs at character 81',
      `expected  sandbox "${ID}" is reversed`,
      `actual    sandbox "${ID}" is reserved`,
      `${' '.repeat(90)}^ first difference`,
      '1-run-pod: command exited with 1: crictl runp /lab/pods/web.json',
    ].join('\n  '),
  );
});

test('toFailWith fails for the id of another pod, for success, and with .not', async () => {
  expect(await wordsOf(expect(failed()).toFailWith(`sandbox "${'b'.repeat(64)}" is reserved`))).toContain(
    'error differs at character 10',
  );
  expect(await wordsOf(expect(Promise.resolve('a pod')).toFailWith('x'))).toBe(
    'succeeded, expected an error\n  expected  x',
  );
  expect(await wordsOf(expect(failed()).not.toFailWith('sandbox "${web.id}" is reserved'))).toBe(
    `failed, expected not to say\n  sandbox "${ID}" is reserved`,
  );
});

test('a problem of the lab is not a failure of the system, with and without .not', async () => {
  const lab = () => Promise.reject(new LabError('node lab-1 did not answer'));
  expect(await wordsOf(expect(lab()).toFailWith('x'))).toBe('node lab-1 did not answer');
  expect(await wordsOf(expect(lab()).not.toFailWith('x'))).toBe('node lab-1 did not answer');
});

const LEASE: StateItem = { kind: 'ipam', name: 'net/10.88.0.2' };
const BRIDGE: StateItem = { kind: 'bridge', name: 'cni0' };

test('items from the start, and what plugins share, are not left behind', async () => {
  const { started } = await fakeStartedNode({ looks: [stateOf([LEASE]), stateOf([LEASE, BRIDGE])] });
  await expect(started).toLeaveNothingBehind();
  await expect(started).toLeaveBehind({});
  expect(await started.leftBehind()).toEqual([]);
  expect(await wordsOf(expect(started).not.toLeaveNothingBehind())).toBe(
    'left behind is none, expected otherwise',
  );
});

test('an item that appeared is left behind, with the step in which it appeared', async () => {
  const { started } = await fakeStartedNode({ looks: [stateOf([]), stateOf([LEASE])] });
  expect(await wordsOf(expect(started).toLeaveNothingBehind())).toBe(
    'left behind is { ipam: 1 }, expected none\n  ipam net/10.88.0.2 appeared in 1-look',
  );
  await expect(started).not.toLeaveNothingBehind();
  await expect(started).toLeaveBehind({ ipam: 1 });
  await expect(started).toLeaveBehind({ ipam: ['net/10.88.0.2'] });
  expect(await wordsOf(expect(started).toLeaveBehind({ ipam: ['net/10.88.0.3'] }))).toBe(
    [
      'left behind is { ipam: [net/10.88.0.2] }, expected { ipam: [net/10.88.0.3] }',
      'ipam net/10.88.0.3 is not there',
      'ipam net/10.88.0.2 appeared in 1-look',
    ].join('\n  '),
  );
  expect(await started.leftBehind()).toEqual([LEASE]);
});

test('what could not be looked at is an error, with and without .not', async () => {
  const blind = stateOf([], [{ kind: 'nft', why: 'nft is missing' }]);
  const { started } = await fakeStartedNode({ looks: [stateOf([]), blind] });
  const unknown = 'what is left behind is not known: nft could not be looked at (nft is missing)';
  expect(await wordsOf(expect(started).toLeaveNothingBehind())).toBe(unknown);
  expect(await wordsOf(expect(started).not.toLeaveNothingBehind())).toBe(unknown);
  expect(await wordsOf(started.leftBehind().then(() => undefined))).toBe(
    'what is left behind on lab-fake is not known: nft: nft is missing',
  );
});

test('a command that timed out has not failed, with and without .not', async () => {
  const hung = { exitCode: null, signal: 'SIGKILL', timedOut: true, durationMs: 500 };
  const { started } = await fakeStartedNode({ looks: [stateOf([])], exec: () => hung });
  const unknown = 'nobody knows how this ends: no end within 500 ms: sleep 10';
  const part = { contains: 'x', why: 'any' };
  expect(await wordsOf(expect(started.exec(['sleep', '10'])).toFailWith(part))).toBe(unknown);
  expect(await wordsOf(expect(started.exec(['sleep', '10'])).not.toFailWith(part))).toBe(unknown);
});

test('a promise of a node is not a node', async () => {
  const { started } = await fakeStartedNode({ looks: [stateOf([])] });
  expect(await wordsOf(expect(Promise.resolve(started)).toLeaveNothingBehind())).toBe(
    'toLeaveNothingBehind wants a node that was started; got a promise; await it first',
  );
});

test('a part that every text contains is a mistake in the test', async () => {
  await expect(expect(Promise.resolve()).toFailWith({ contains: ' ', why: 'x' })).rejects.toThrow(
    'toFailWith contains: every text contains this; write some of the words that must be there',
  );
});
