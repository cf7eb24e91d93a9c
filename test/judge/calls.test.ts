import { expect, test } from 'vitest';

import type { CniCallEnded, CniCallStarted, Recorded } from '../../lab/core/recorded.ts';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import { judge } from '../../lab/judge/judge.ts';
import type { JournalEntry, Observation } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import type { CallExpectation, Expectation } from '../../lab/spec/scenario.ts';
import { writtenOf, type WrittenJson } from '../../lab/spec/written-json.ts';
import { at, exactly, expecting, journalOf, planned, runPod, stopPod } from '../rig/recorded-run.ts';

const call = (said: Partial<CallExpectation>): CallExpectation => ({
  place: at(12),
  env: {},
  noEnv: [],
  noInput: [],
  ...said,
});

const started = (number: number, plugin: string, more: Partial<CniCallStarted> = {}): CniCallStarted => ({
  kind: 'cni-call-started',
  call: number,
  plugin,
  path: `/opt/cni/bin/${plugin}`,
  verb: 'ADD',
  env: { CNI_COMMAND: 'ADD', CNI_IFNAME: 'eth0' },
  netns: { path: '/run/netns/a', inode: '4' },
  parent: { pid: 3, name: 'containerd' },
  stdin:
    '{ "name": "net", "mtu": 1400, "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.88.0.0/16" }]] } }',
  time: 't',
  ...more,
});
const ended = (number: number, more: Partial<CniCallEnded> = {}): CniCallEnded => ({
  kind: 'cni-call-ended',
  call: number,
  exitCode: 0,
  signal: null,
  stdout: '{ "ips": [{ "address": "10.88.0.2/16" }] }',
  stderr: 'a warning\n',
  durationMs: 1,
  time: 't',
  ...more,
});

/** bridge calls host-local, portmap fails, and one call hangs. */
const RECORDS: readonly Recorded[] = [
  started(1, 'bridge'),
  started(2, 'host-local', { within: 1, parent: { pid: 5, name: 'bridge' } }),
  ended(2),
  ended(1),
  started(3, 'portmap', { verb: 'DEL', netns: { path: '/run/netns/gone' }, env: { CNI_NETNS: '' } }),
  ended(3, { exitCode: 1, stdout: '{ "code": 7, "msg": "Invalid Configuration", "details": "port 80" }' }),
  started(4, 'hang', { verb: 'DEL', stdin: '' }),
];

/** The findings for an expectation of the first of two steps, by check. */
function judged(expectation: Partial<Expectation>, records = RECORDS, { record = true } = {}) {
  const plan = planned({ steps: [[runPod, expecting(expectation)], [stopPod]] });
  const run: RunPlan = {
    ...plan,
    nodes: plan.nodes.map((node) => ({ ...node, ...(record && { record: true as const }) })),
  };
  return judge(run, withRecords(run, records), RUNTIMES).findings.filter(({ check }) =>
    ['calls', 'no-calls', 'call-order'].includes(check),
  );
}

/** The journal of such a run in which everything succeeds, with these records in its first step. */
function withRecords(run: RunPlan, records: readonly Recorded[]): readonly JournalEntry[] {
  const entries = journalOf(run);
  const at = entries.findIndex((entry) => entry.kind === 'step-started');
  const more = records.map((record): JournalEntry => {
    const observation: Observation = { ...record, stepId: '1-run-pod' };
    return { ...observation, atMs: 0 };
  });
  return entries
    .toSpliced(at + 1, 0, ...more)
    .map((entry) =>
      entry.kind === 'run-ended' ? { ...entry, entries: entry.entries + more.length } : entry,
    );
}

const outcome = (said: Partial<CallExpectation>): string | undefined =>
  judged({ calls: [call(said)] }).at(0)?.outcome;

test.each<[Partial<CallExpectation>]>([
  [{ plugin: 'bridge', verb: 'ADD' }],
  [{ plugin: 'bridge', within: 'none', by: 'containerd', times: 1 }],
  [{ plugin: 'host-local', within: 'bridge', by: 'bridge' }],
  [{ verb: 'ADD', times: 2 }],
  [{ plugin: 'bridge', env: { CNI_IFNAME: exactly('eth0') }, noEnv: ['CNI_ARGS'] }],
  [{ plugin: 'bridge', netns: 'present' }],
  [{ plugin: 'portmap', netns: 'missing' }],
  [
    {
      plugin: 'bridge',
      input: writtenOf({ mtu: 1400, ipam: { ranges: [[{}]] } }),
      noInput: ['ipam.dns', 'x'],
    },
  ],
  [{ plugin: 'bridge', output: writtenOf({ ips: [{ address: '10.88.0.2/16' }] }) }],
  [{ plugin: 'bridge', exitCode: 0, stderr: exactly('a warning') }],
  [
    {
      plugin: 'portmap',
      error: { code: 7, message: exactly('Invalid Configuration'), details: exactly('port ${p:number}') },
    },
  ],
  [{ plugin: 'hang', ended: false }],
])('a call that is like %j is found', (said) => {
  expect(outcome(said)).toBe('pass');
});

test.each<[Partial<CallExpectation>, string]>([
  [{ plugin: 'tuning' }, 'tuning was not called'],
  [{ plugin: 'bridge', verb: 'DEL' }, 'bridge DEL was not called'],
  [{ plugin: 'bridge', times: 2 }, 'bridge: 1 call is as expected, expected 2'],
  [{ plugin: 'host-local', within: 'none' }, 'host-local (with its within) was not called like that'],
  [{ plugin: 'bridge', by: 'crictl' }, 'bridge (with its by) was not called like that'],
  [
    { plugin: 'bridge', env: { CNI_IFNAME: exactly('eth1') } },
    'bridge (with its CNI_IFNAME) was not called like that',
  ],
  [{ plugin: 'bridge', noEnv: ['CNI_IFNAME'] }, 'bridge (with its no CNI_IFNAME) was not called like that'],
  [{ plugin: 'bridge', netns: 'missing' }, 'bridge (with its netns) was not called like that'],
  [
    { plugin: 'bridge', input: writtenOf({ mtu: '1400' }) },
    'bridge (with its input) was not called like that',
  ],
  [
    { plugin: 'bridge', input: writtenOf({ ipam: { ranges: [] } }) },
    'bridge (with its input) was not called like that',
  ],
  [{ plugin: 'bridge', noInput: ['ipam.type'] }, 'bridge (with its no ipam.type) was not called like that'],
  [
    { plugin: 'bridge', output: writtenOf({ ips: [{ address: '10.88.0.3/16' }] }) },
    'bridge (with its output) was not called like that',
  ],
  [{ plugin: 'bridge', exitCode: 1 }, 'bridge (with its exit-code) was not called like that'],
  [{ plugin: 'bridge', signal: 'SIGKILL' }, 'bridge (with its signal) was not called like that'],
  [{ plugin: 'bridge', stderr: exactly('a warning\n') }, 'bridge (with its stderr) was not called like that'],
  [{ plugin: 'portmap', error: { code: 8 } }, 'portmap (with its error) was not called like that'],
  [
    { plugin: 'portmap', error: { message: exactly('no') } },
    'portmap (with its error) was not called like that',
  ],
  [{ plugin: 'bridge', ended: false }, 'bridge (with its ended) was not called like that'],
  [{ plugin: 'hang', exitCode: 0 }, 'hang (with its exit-code) was not called like that'],
  [{ plugin: 'hang', input: writtenOf({ name: 'net' }) }, 'hang (with its input) was not called like that'],
])('a call that is like %j is not there', (said, message) => {
  expect(judged({ calls: [call(said)] })).toMatchObject([{ check: 'calls', outcome: 'fail', message }]);
});

const offered = (expectation: Partial<Expectation>): string | undefined => judged(expectation).at(0)?.paste;

test.each<[Partial<CallExpectation>, string | undefined]>([
  [{ plugin: 'bridge', times: 2 }, 'calls: { plugin: bridge, times: 1 }'],
  [{ verb: 'ADD', exitCode: 1, times: 1 }, 'calls: { verb: ADD, times: 2, exit-code: 0 }'],
  [{ plugin: 'bridge', verb: 'DEL', times: 1 }, undefined],
  [{ plugin: 'tuning', verb: 'ADD' }, undefined],
  [
    { plugin: 'bridge', verb: 'ADD', env: { CNI_IFNAME: exactly('eth1') }, exitCode: 3 },
    'calls: { plugin: bridge, verb: ADD, env: { CNI_IFNAME: eth0 }, exit-code: 0 }',
  ],
  [
    { plugin: 'bridge', within: 'none', input: writtenOf({ mtu: 1, ipam: { type: 'dhcp', none: 1 } }) },
    'calls: { plugin: bridge, within: none, input: { mtu: 1400, ipam: { type: host-local } } }',
  ],
  [
    { plugin: 'bridge', output: writtenOf({ ips: [] }), stderr: exactly('no'), netns: 'none' },
    "calls: { plugin: bridge, netns: present, output: { ips: [{ address: '10.88.0.2/16' }] }, stderr: 'a warning' }",
  ],
  [
    { plugin: 'portmap', error: { code: 8, message: exactly('no') } },
    "calls: { plugin: portmap, error: { code: 7, message: 'Invalid Configuration' } }",
  ],
  [{ plugin: 'host-local', verb: 'ADD', within: 'none' }, 'calls: bridge > host-local ADD'],
  [{ plugin: 'bridge', noEnv: ['CNI_IFNAME', 'CNI_ARGS'] }, 'calls: { plugin: bridge, no-env: [CNI_ARGS] }'],
])('of a call that is not like %j, what came is offered', (said, paste) => {
  expect(offered({ calls: [call(said)] })).toBe(paste);
});

test('if the order differs, the recorded order is offered', () => {
  const [bridge, portmap] = [
    call({ plugin: 'bridge', verb: 'ADD' }),
    call({ plugin: 'portmap', verb: 'DEL' }),
  ];
  expect(offered({ callOrder: [portmap, bridge] })).toBe('call-order: [bridge ADD, portmap DEL]');
  expect(offered({ callOrder: [call({ plugin: 'tuning' }), bridge] })).toBe(undefined);
});

test('a call that is present against the file is offered as an expected call', () => {
  expect(offered({ noCalls: [call({ verb: 'DEL' })] })).toBe('calls: portmap DEL');
});

test('the difference to the nearest call is shown with its path', () => {
  const [finding] = judged({
    calls: [call({ plugin: 'bridge', input: writtenOf({ mtu: 1, ipam: { ranges: [[{ subnet: 'a' }]] } }) })],
  });
  expect(finding?.detail).toEqual([
    'the nearest call is bridge ADD, number 1',
    'input mtu: expected  1',
    'input mtu: actual    1400',
    'input ipam.ranges.0.0.subnet: expected  "a"',
    'input ipam.ranges.0.0.subnet: actual    "10.88.0.0/16"',
    'call 1 of 1-run-pod: bridge ADD: exit 0',
    'call 2 of 1-run-pod: bridge > host-local ADD: exit 0',
    'call 3 of 1-run-pod: portmap DEL: exit 1: code 7: Invalid Configuration; port 80',
    'call 4 of 1-run-pod: hang DEL: no end',
  ]);
});

test('each entry needs a call of its own, and a name stands for one value', () => {
  const twice = judged({ calls: [call({ plugin: 'bridge' }), call({ plugin: 'bridge' })] });
  expect(twice.map(({ outcome }) => outcome)).toEqual(['pass', 'fail']);
  const captured = call({ output: { is: 'mapping', entries: [['ips', ADDRESSES]] } });
  const again = call({ plugin: 'hang', env: { CNI_ARGS: exactly('IP=${a}') } });
  const hang = (args: string) => [...RECORDS.slice(0, -1), started(4, 'hang', { env: { CNI_ARGS: args } })];
  const outcomes = (args: string) =>
    judged({ calls: [captured, again] }, hang(args)).map(({ outcome }) => outcome);
  expect(outcomes('IP=10.88.0.2')).toEqual(['pass', 'pass']);
  expect(outcomes('IP=10.88.0.3')).toEqual(['pass', 'fail']);
});

/** A list of one address, which is captured. */
const ADDRESSES: WrittenJson = {
  is: 'list',
  items: [{ is: 'mapping', entries: [['address', { is: 'text', text: '${a:ip}/16' }]] }],
};

test('calls that must not be there are a failure, others are not', () => {
  const findings = judged({ noCalls: [call({ plugin: 'tuning' }), call({ verb: 'DEL' })] });
  expect(findings.map(({ outcome, message }) => `${outcome}: ${message}`)).toEqual([
    'pass: tuning was not called, as expected',
    'fail: any plugin DEL was called 2 times, expected no such call',
  ]);
});

test.each([
  [['bridge', 'host-local', 'portmap'], 'pass: the calls are in the expected order'],
  [['bridge', 'hang'], 'pass: the calls are in the expected order'],
  [['portmap', 'bridge'], 'fail: bridge was not called after portmap DEL'],
  [['bridge', 'bridge'], 'fail: bridge was not called after bridge ADD'],
])('the order %j', (plugins, expected) => {
  const [finding] = judged({ callOrder: plugins.map((plugin) => call({ plugin })) });
  expect(`${finding?.outcome}: ${finding?.message}`).toBe(expected);
});

test('calls are inconclusive for a node that was not recorded or whose record is incomplete', () => {
  const all = {
    calls: [call({ plugin: 'bridge' })],
    noCalls: [call({ plugin: 'x' })],
    callOrder: [call({}), call({})],
  };
  const unknown = (why: string) =>
    ['calls', 'no-calls', 'call-order'].map((check) => ({
      ...{ check, outcome: 'inconclusive', stepId: '1-run-pod', place: at(12) },
      message: `the plugin calls are not known: ${why}`,
    }));
  expect(judged(all, RECORDS, { record: false })).toMatchObject(unknown('they were not recorded'));
  expect(judged(all, [...RECORDS, { kind: 'unrecorded', why: 'no socket\n' }])).toMatchObject(
    unknown('the recorder missed some: no socket'),
  );
});

test('calls are inconclusive for a runtime that looks for plugins elsewhere', () => {
  const runtimeConfig = { cri: { cni: { bin_dirs: ['/opt/cni/bin', '/usr/lib/cni'] } } };
  const plan = planned({ steps: [[runPod, expecting({ noCalls: [call({ plugin: 'tuning' })] })]] });
  const run: RunPlan = {
    ...plan,
    nodes: plan.nodes.map((node) => ({ ...node, record: true, runtimeConfig })),
  };
  expect(judge(run, withRecords(run, RECORDS), RUNTIMES).findings).toContainEqual(
    expect.objectContaining({
      check: 'no-calls',
      outcome: 'inconclusive',
      message:
        'the plugin calls are not known: only plugins in /opt/cni/bin are recorded, and the runtime looks in /usr/lib/cni',
    }),
  );
});

test('the rest of a stream beyond the record’s limit is inconclusive', () => {
  const cut: readonly Recorded[] = [
    started(1, 'bridge', { stdin: '{ "name": "ne', cut: ['stdin'] }),
    ended(1),
  ];
  const of = (said: Partial<CallExpectation>) => judged({ calls: [call(said)], noCalls: [call(said)] }, cut);
  expect(of({ plugin: 'bridge', input: writtenOf({ name: 'net' }) }).map(({ outcome }) => outcome)).toEqual([
    'inconclusive',
    'inconclusive',
  ]);
  expect(of({ plugin: 'bridge', exitCode: 0 }).map(({ outcome }) => outcome)).toEqual(['pass', 'fail']);
});
