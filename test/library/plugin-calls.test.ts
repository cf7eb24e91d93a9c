import { expect, test } from 'vitest';

import { BadInput, LabError } from '../../lab/core/lab-error.ts';
import type { CniCallEnded, CniCallStarted } from '../../lab/core/recorded.ts';
import type { CountedCall, ExpectedCall, PluginScript, StartedNode } from '../../lab/index.ts';
import '../../lab/vitest.ts';
import { fakeStartedNode, stateOf } from '../rig/fake-started-node.ts';

const ID = 'a'.repeat(64);
const looks = [
  stateOf([]),
  stateOf([{ kind: 'sandbox', name: ID, detail: { podName: 'web', state: 'ready', attempt: '0', ips: '' } }]),
];

const start = (call: number, plugin: string, more: Partial<CniCallStarted> = {}): CniCallStarted => ({
  kind: 'cni-call-started',
  call,
  plugin,
  path: `/opt/cni/bin/${plugin}`,
  verb: 'ADD',
  env: { CNI_COMMAND: 'ADD', CNI_CONTAINERID: ID, CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web' },
  netns: { path: '/run/netns/a', inode: '4' },
  parent: { pid: 3, name: 'containerd' },
  stdin: '{"name":"net","mtu":1400}',
  time: '2026-11-28T12:00:00.000001Z',
  ...more,
});
const end = (call: number, more: Partial<CniCallEnded> = {}): CniCallEnded => ({
  ...{ kind: 'cni-call-ended', call, exitCode: 0, signal: null },
  ...{ stdout: '{"ips":[]}', stderr: '', durationMs: 5, time: '2026-11-28T12:00:00.000005Z' },
  ...more,
});

/** A node on which `web` was run: bridge calls host-local, then portmap fails. */
async function ran(): Promise<StartedNode> {
  const { started, recorded } = await fakeStartedNode({ looks, record: true });
  await started.runPod('web');
  for (const record of [
    start(1, 'bridge'),
    start(2, 'host-local', { within: 1, parent: { pid: 4, name: 'bridge' } }),
    end(2),
    end(1),
    start(3, 'portmap'),
    end(3, { exitCode: 1, stdout: '{"code":7,"msg":"Invalid Configuration"}' }),
    start(4, 'loopback', { env: { CNI_COMMAND: 'ADD', CNI_ARGS: 'K8S_POD_NAME=other' } }),
  ])
    recorded(record);
  return started;
}

const wordsOf = (failing: Promise<unknown>): Promise<unknown> =>
  failing.then(
    () => 'it held',
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : thrown),
  );

test('calls have what was recorded of them, and those of a pod are its own', async () => {
  const started = await ran();
  const calls = await started.pluginCalls();
  expect(calls.map(({ name, pod, ended }) => ({ name, pod, ended }))).toEqual([
    { name: 'bridge ADD', pod: 'web', ended: true },
    { name: 'bridge > host-local ADD', pod: 'web', ended: true },
    { name: 'portmap ADD', pod: 'web', ended: true },
    { name: 'loopback ADD', pod: 'other', ended: false },
  ]);
  expect((await started.pod('web').pluginCalls()).map(({ plugin }) => plugin)).toEqual([
    'bridge',
    'host-local',
    'portmap',
  ]);
  expect(calls[1]).toEqual({
    name: 'bridge > host-local ADD',
    plugin: 'host-local',
    verb: 'ADD',
    within: 'bridge',
    by: 'bridge',
    pod: 'web',
    env: { CNI_COMMAND: 'ADD', CNI_CONTAINERID: ID, CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web' },
    stdin: '{"name":"net","mtu":1400}',
    input: { name: 'net', mtu: 1400 },
    ended: true,
    exitCode: 0,
    signal: null,
    stdout: '{"ips":[]}',
    stderr: '',
    output: { ips: [] },
    cut: [],
    time: '2026-11-28T12:00:00.000001Z',
    durationMs: 5,
  });
  expect(calls[2]?.error).toEqual({ code: 7, msg: 'Invalid Configuration', details: '' });
});

test.each<string | CountedCall>([
  'bridge ADD',
  'bridge > host-local ADD',
  { plugin: 'bridge', verb: 'ADD', within: 'none', times: 1, netns: 'present', noInput: ['prevResult'] },
  { plugin: 'host-local', by: 'bridge', env: { CNI_CONTAINERID: '${web.id}' }, input: { mtu: 1400 } },
  { plugin: 'bridge', output: { ips: [] }, exitCode: 0 },
  { plugin: 'portmap', error: 'Invalid Configuration' },
  { plugin: 'portmap', error: { code: 7, message: { contains: 'Config', why: 'any' } } },
  { verb: 'ADD', times: 4 },
  { plugin: 'loopback', ended: false, noEnv: ['CNI_CONTAINERID'] },
])('%j was called', async (expected) => {
  const started = await ran();
  await expect(started).toHaveCalledPlugin(expected);
  expect(await wordsOf(expect(started).not.toHaveCalledPlugin(expected))).toMatch(
    /expected (no such call|otherwise)/,
  );
});

test.each<string | CountedCall>([
  'bridge DEL',
  'portmap > host-local ADD',
  { plugin: 'bridge', times: 2 },
  { plugin: 'host-local', within: 'none' },
  { plugin: 'bridge', input: { mtu: 1500 } },
  { plugin: 'bridge', env: { CNI_CONTAINERID: 'b' } },
  { plugin: 'portmap', exitCode: 0 },
])('%j was not called', async (expected) => {
  const started = await ran();
  await expect(started).not.toHaveCalledPlugin(expected);
  expect(await wordsOf(expect(started).toHaveCalledPlugin(expected))).not.toBe('it held');
});

test('a difference is shown with the nearest call and with all calls', async () => {
  const started = await ran();
  expect(await wordsOf(expect(started).toHaveCalledPlugin({ plugin: 'bridge', input: { mtu: 1500 } }))).toBe(
    [
      'bridge (with its input) was not called like that',
      'the nearest call is bridge ADD, number 1',
      'input mtu: expected  1500',
      'input mtu: actual    1400',
      'call 1 of 1-run-pod: bridge ADD: exit 0',
      'call 2 of 1-run-pod: bridge > host-local ADD: exit 0',
      'call 3 of 1-run-pod: portmap ADD: exit 1: code 7: Invalid Configuration',
      'call 4 of 1-run-pod: loopback ADD: no end',
    ].join('\n  '),
  );
  expect(await wordsOf(expect(started).not.toHaveCalledPlugin('portmap ADD'))).toBe(
    'portmap ADD was called, expected no such call\n  call 3 of 1-run-pod: portmap ADD: exit 1: code 7: Invalid Configuration',
  );
});

test('the order of calls, of a node and of a pod', async () => {
  const started = await ran();
  const web = started.pod('web');
  await expect(web).toHaveCalledPluginsInOrder(['bridge ADD', { plugin: 'portmap', exitCode: 1 }]);
  await expect(web).not.toHaveCalledPluginsInOrder(['portmap ADD', 'bridge ADD']);
  await expect(web).not.toHaveCalledPlugin('loopback ADD');
  expect(await wordsOf(expect(web).toHaveCalledPluginsInOrder(['portmap ADD', 'bridge ADD']))).toMatch(
    /^bridge ADD was not called after portmap ADD\n/,
  );
  expect(await wordsOf(expect(web).not.toHaveCalledPluginsInOrder(['bridge ADD', 'portmap ADD']))).toBe(
    'the calls are in this order, expected otherwise',
  );
});

test('on a node that records no calls, nobody says that a plugin was not called', async () => {
  const { started } = await fakeStartedNode({ looks });
  const why = 'plugin calls are not recorded on lab-fake: start it from withRecordedCalls()';
  await expect(started.pluginCalls()).rejects.toThrow(new BadInput(why));
  expect(await wordsOf(expect(started).toHaveCalledPlugin('bridge ADD'))).toBe(why);
  expect(await wordsOf(expect(started).not.toHaveCalledPlugin('bridge ADD'))).toBe(why);
});

test('calls that the recorder may have missed are not known, whichever way it is asked', async () => {
  const { started, recorded } = await fakeStartedNode({ looks, record: true });
  recorded({ kind: 'unrecorded', why: 'the socket was full' });
  const why = 'the plugin calls are not known: the recorder missed some: the socket was full';
  await expect(started.pluginCalls()).rejects.toThrow(new LabError(why));
  expect(await wordsOf(expect(started).toHaveCalledPlugin('bridge ADD'))).toBe(why);
  expect(await wordsOf(expect(started).not.toHaveCalledPlugin('bridge ADD'))).toBe(why);
});

test('a call for which no pod is named makes the calls of a pod unknown', async () => {
  const { started, recorded } = await fakeStartedNode({ looks, record: true });
  recorded(start(1, 'bridge', { env: {} }));
  const why =
    'the plugin calls are not known: of bridge ADD nobody knows for which pod it was made: CNI_ARGS does not name it';
  expect(await wordsOf(expect(started.pod('web')).not.toHaveCalledPlugin('bridge ADD'))).toBe(why);
  await expect(started).toHaveCalledPlugin('bridge ADD');
});

test('a scripted plugin is put on a node that is up', async () => {
  const { started, done } = await fakeStartedNode({ looks });
  await started.scriptPlugin('mycni', { add: { error: { code: 7, msg: '${no} reference' } }, del: 'ok' });
  expect(done).toEqual([
    'bring the program of scripted plugins',
    'write /lab/fake-plugins/mycni.json',
    'link /opt/cni/bin/mycni to /lab/artifacts/cni-plugins/bin/cni-fake',
  ]);
});

test('the types refuse what a scripted plugin and an expected call do not have', () => {
  const scripts: readonly PluginScript[] = [
    { add: { delegate: 'bridge', delayMs: 200 }, del: ['ok', { error: { code: 11, msg: 'later' } }] },
    { version: { versions: ['1.0.0'] }, others: { exitCode: 3 } },
    // @ts-expect-error -- a verb that there is not
    { remove: 'ok' },
    // @ts-expect-error -- the unit is part of the name
    { add: { delay: 200 } },
    // @ts-expect-error -- an error needs its code
    { add: { error: { msg: 'no' } } },
    // @ts-expect-error -- a signal that there is not
    { add: { signal: 'KILL' } },
  ];
  const calls: readonly ExpectedCall[] = [
    'bridge ADD',
    { plugin: 'bridge', env: { CNI_IFNAME: { contains: 'eth', why: 'the number varies' } } },
    // @ts-expect-error -- a verb that there is not
    { verb: 'REMOVE' },
    // @ts-expect-error -- only a counted call has times
    { plugin: 'bridge', times: 2 },
  ];
  expect([scripts.length, calls.length]).toEqual([6, 4]);
});
