import { expect, test } from 'vitest';

import { callOf, callToRepeat, requestOf } from '../../lab/assembly/replay-call.ts';
import { BadInput } from '../../lab/core/lab-error.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import { planned } from '../rig/recorded-run.ts';

const started = (call: number, more: object = {}): JournalEntry => ({
  kind: 'cni-call-started',
  stepId: '1-run-pod',
  call,
  plugin: 'bridge',
  path: '/opt/cni/bin/bridge',
  verb: 'ADD',
  env: { CNI_COMMAND: 'ADD', CNI_NETNS: '/var/run/netns/a' },
  netns: { path: '/var/run/netns/a', inode: '7' },
  parent: { pid: 7, name: 'containerd' },
  stdin: '{}',
  time: '',
  atMs: 1,
  ...more,
});
const ended = (call: number, more: object = {}): JournalEntry => ({
  kind: 'cni-call-ended',
  stepId: '1-run-pod',
  call,
  exitCode: 0,
  signal: null,
  stdout: 'a\udcff',
  stderr: '',
  durationMs: 1,
  time: '',
  atMs: 2,
  ...more,
});

const base64 = (bytes: string | readonly number[]) => Buffer.from(bytes as string).toString('base64');

test('a request has the call’s whole input, its environment and its result, byte for byte', () => {
  const call = callOf([started(1), started(2), ended(2, { stdin: '{ }' }), ended(1)], 2);
  expect(JSON.parse(requestOf(call))).toEqual({
    path: '/opt/cni/bin/bridge',
    env: { CNI_COMMAND: 'ADD', CNI_NETNS: '/var/run/netns/a' },
    stdin: base64('{ }'),
    makesNetns: true,
    ended: { exitCode: 0, signal: null, stdout: base64([0x61, 0xff]), stderr: '' },
  });
});

test('a call that did not end has no result to compare, and one without a namespace gets none', () => {
  const call = callOf([started(1, { netns: { path: '/var/run/netns/a' } })], 1);
  expect(JSON.parse(requestOf(call))).toMatchObject({ makesNetns: false });
  expect(JSON.parse(requestOf(call))).not.toHaveProperty('ended');
});

test('for a run with several nodes, the node of the call has to be named', () => {
  const one = planned({ steps: [] });
  const nodes = ['left', 'right'].flatMap((name) =>
    one.nodes.map((node) => ({ ...node, name, record: true as const })),
  );
  const run = { ...one, nodes };
  const entries = [started(1, { node: 'left' }), started(1, { node: 'right', plugin: 'ptp' })];
  expect(() => callToRepeat({ run, entries }, { number: 1, on: undefined })).toThrow(
    new BadInput('the run has several nodes: say which, with --on left or right'),
  );
  const { call, run: alone } = callToRepeat({ run, entries }, { number: 1, on: 'right' });
  expect(call.plugin).toBe('ptp');
  expect(alone.nodes.map(({ name, record }) => ({ name, record }))).toEqual([{ name: 'right' }]);
});

test.each([
  [[], 1, 'no plugin call is recorded in this run; run it again with --record'],
  [[started(1)], 2, 'there is no call 2; there is\n  1  bridge ADD in 1-run-pod'],
  [
    [started(1), started(2, { verb: 'DEL' })],
    3,
    'there is no call 3; there are\n  1  bridge ADD in 1-run-pod\n  2  bridge DEL in 1-run-pod',
  ],
  [
    [started(1, { cut: ['stdin'] })],
    1,
    'the input of call 1 is not recorded whole, so it cannot be repeated',
  ],
])('%#: a call that cannot be repeated is refused', (entries, number, message) => {
  expect(() => callOf(entries, number)).toThrow(new BadInput(message));
});
