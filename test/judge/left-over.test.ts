import { expect, test } from 'vitest';

import type { NodeState, StateItem } from '../../lab/core/node-state.ts';
import { instrumentsOf, leftOver } from '../../lab/judge/left-over.ts';
import { present } from '../../lab/spec/object-shape.ts';
import type { PlannedAction } from '../../lab/spec/verbs/verbs.ts';
import { at, item, planned, ran, result, sandbox, state } from '../rig/recorded-run.ts';

interface Left {
  readonly steps?: readonly PlannedAction[];
  readonly argv?: readonly string[];
  readonly earlier?: NodeState;
  readonly conflists?: readonly string[];
  readonly inCluster?: true;
}

/** The kind and name of each of these items that counts. */
function left(items: readonly StateItem[], options: Left = {}) {
  const { steps = [], argv = [], earlier, conflists, inCluster } = options;
  const last = { ...state(items), ...(conflists === undefined ? {} : { conflists }) };
  const looks = [earlier ?? state(), last].map((one, index) => ({
    stepId: `${index}`,
    state: one,
    runtime: 'running' as const,
  }));
  const run = planned({ steps: steps.map((action) => [action]) });
  const instruments = {
    ...instrumentsOf(run, [{ ...ran('1-exec', result(argv)), atMs: 0 }]),
    ...present({ kubernetes: inCluster }),
  };
  const { own } = leftOver({ baseline: state(), state: last, looks, instruments });
  return own.map(({ kind, name }) => `${kind} ${name}`);
}

const file = (path: string) => item('file', path);
const fake = (script: string): PlannedAction => ({
  do: 'fake-plugin',
  plugin: 'bridge',
  script: { content: script },
});
const writes = (...paths: readonly string[]): PlannedAction => ({
  do: 'write-files',
  files: paths.map((name) => ({ name, content: '', place: at(5) })),
});

test('items on a shared bridge count separately, except for the gateway', () => {
  const on = { device: 'cni0' };
  expect(
    left([
      item('bridge', 'cni0'),
      item('address', '10.88.0.1/16 dev cni0', on),
      item('address', '10.77.0.1/32 dev cni0', on),
      item('route', '10.88.0.2 dev cni0', on),
      item('neighbour', '10.88.0.2 lladdr 02:00:00:00:00:01 dev cni0', on),
    ]),
  ).toEqual([
    'address 10.77.0.1/32 dev cni0',
    'route 10.88.0.2 dev cni0',
    'neighbour 10.88.0.2 lladdr 02:00:00:00:00:01 dev cni0',
  ]);
});

test('in a cluster, what kube-proxy sets up for Services does not count, and on other nodes it does', () => {
  const proxys = [
    item('iptables', 'ip nat -N KUBE-SERVICES'),
    item(
      'iptables',
      'ip nat -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    ),
    item('sysctl', 'net.ipv4.conf.all.route_localnet = 1'),
  ];
  const others = [
    item('iptables', 'ip nat -N CNI-HOSTPORT-DNAT'),
    item('sysctl', 'net.ipv4.conf.all.route_localnet = 0'),
    item('sysctl', 'net.ipv4.conf.cni0.route_localnet = 1'),
  ];
  const named = (items: readonly StateItem[]) => items.map(({ kind, name }) => `${kind} ${name}`);
  expect(left([...proxys, ...others], { conflists: [], inCluster: true })).toEqual(named(others));
  expect(left([...proxys, ...others], { conflists: [] })).toEqual(named([...proxys, ...others]));
});

test('items on a bridge that counts are part of it', () => {
  const on = { device: 'br-pod1' };
  expect(left([item('bridge', 'br-pod1'), item('address', '10.77.0.1/24 dev br-pod1', on)])).toEqual([
    'bridge br-pod1',
  ]);
});

test('a file counts, except for one in /run or /tmp that the scenario wrote', () => {
  const paths = ['/run/agent-up', '/tmp/note', '/run/cni/tuning/left.json', '/var/lib/cni/sbr/left'];
  expect(left(paths.map(file))).toEqual(paths.map((path) => `file ${path}`));
  expect(left(paths.map(file), { steps: [writes(...paths)] })).toEqual([
    'file /run/cni/tuning/left.json',
    'file /var/lib/cni/sbr/left',
  ]);
});

test('a configured folder belongs to CNI, wherever it is', () => {
  const conflists = ['{ "type": "x", "delegate": { "ipam": { "dataDir": "/tmp/cni-data/" } } }'];
  expect(left([file('/tmp/cni-data/state')], { steps: [writes('/tmp/cni-data/state')], conflists })).toEqual([
    'file /tmp/cni-data/state',
  ]);
});

test('a file in /tmp whose full path is in a script or a command belongs to the scenario', () => {
  const calls = file('/tmp/calls');
  expect(left([calls], { steps: [fake('#!/bin/sh\necho "$CNI_COMMAND" >> /tmp/calls\n')] })).toEqual([]);
  expect(left([calls], { steps: [{ do: 'exec', argv: ['sh', '-c', 'date >/tmp/calls; true'] }] })).toEqual(
    [],
  );
  expect(left([file('/tmp/abc')], { argv: ['touch', '/tmp/abc'] })).toEqual([]);
});

test('a file counts if a script builds its path, or if only the beginning of its path is in a script', () => {
  const script = '#!/bin/sh\necho > /tmp/state-$CNI_CONTAINERID; echo >> /tmp/calls; echo > /var/tmp/other\n';
  const steps = [fake(script)];
  expect(
    left([file('/tmp/state-abc'), file('/tmp/state-'), file('/tmp/call'), file('/tmp/other')], { steps }),
  ).toEqual(['file /tmp/state-abc', 'file /tmp/state-', 'file /tmp/call', 'file /tmp/other']);
});

test('what a script writes in /run counts, even if its path is in the script', () => {
  const steps = [fake('#!/bin/sh\ntouch /run/myplugin/pod1\n')];
  expect(left([file('/run/myplugin/pod1')], { steps })).toEqual(['file /run/myplugin/pod1']);
});

const flow = (from: string, to: string) =>
  item('conntrack', `udp ${from}:40000 to 10.88.0.1:8125 at ${to}:8125`, { from, at: to });

test('a tracked flow to a removed pod counts', () => {
  const flows = [flow('192.0.2.7', '10.88.0.2'), flow('192.0.2.7', '10.88.0.3')];
  const earlier = state([sandbox('a'), sandbox('b', { ips: '10.88.0.3' })]);
  expect(left([...flows, sandbox('b', { ips: '10.88.0.3' })], { earlier })).toEqual([
    'conntrack udp 192.0.2.7:40000 to 10.88.0.1:8125 at 10.88.0.2:8125',
    'sandbox b',
  ]);
});

test('a tracked flow between two removed pods does not count: nobody sends any more', () => {
  const earlier = state([sandbox('a'), sandbox('b', { ips: '10.88.0.3' })]);
  expect(left([flow('10.88.0.3', '10.88.0.2')], { earlier })).toEqual([]);
});
