import { expect, test } from 'vitest';

import { judge } from '../rig/judged.ts';
import { differences, withoutNames, type RecordedRun } from '../../lab/judge/parity.ts';
import type { StateItem } from '../../lab/core/node-state.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import {
  crictlError,
  item,
  journalOf,
  planned,
  ran,
  result,
  runPod,
  state,
  stopPod,
} from '../rig/recorded-run.ts';

const run = planned({ steps: [[runPod], [stopPod]] });
const RUNP = ['crictl', 'runp', '/lab/pods/web.json'];

/** A pod that did not start, with what it left behind. Random names consist of `digit`. */
function recorded(
  on: string,
  { digit, error, left }: { digit: string; error: string; left: (id: string) => readonly StateItem[] },
): RecordedRun {
  const id = digit.repeat(64);
  const failed = result(RUNP, { exitCode: 1, stderr: crictlError(error.replace('ID', id)) });
  const entries = journalOf(run, {
    steps: [{ seen: [ran('1-run-pod', failed)], state: state(left(id)) }, { state: state() }],
  });
  return { on, entries, verdict: judge(run, entries) };
}

const netns = (digit: string) =>
  item('netns', `cni-${digit.repeat(8)}-${digit.repeat(4)}-4aaa-baaa-${digit.repeat(12)}`);
const lease = (address: string) => (id: string) => [item('ipam', `net/${address}`, { id })];
const bare = recorded('bare', { digit: 'a', error: 'no network for "ID"', left: lease('10.88.0.2') });

test('random names are not a difference', () => {
  const left = (digit: string) => (id: string) => [
    netns(digit),
    item('veth', `veth${digit.repeat(8)}`),
    item('cni-result', `net-${id}-eth0`),
    item('iptables', `ip nat -A CNI-DN-${digit.repeat(21)} -m comment --comment "${id}"`),
  ];
  const one = recorded('bare', { digit: 'a', error: 'no network for "ID"', left: left('a') });
  const other = recorded('vm', { digit: 'b', error: 'no network for "ID"', left: left('b') });
  expect(differences(one, other)).toEqual([]);
});

test('a different word in an error is a difference', () => {
  const vm = recorded('vm', { digit: 'b', error: 'no networks for "ID"', left: lease('10.88.0.2') });
  expect(differences(bare, vm)).toEqual([
    'only on bare, 1-run-pod: crictl runp /lab/pods/web.json: exit 1: no network for "ID"',
    'only on vm, 1-run-pod: crictl runp /lab/pods/web.json: exit 1: no networks for "ID"',
  ]);
});

test('what only one run leaves behind, and how often, is a difference', () => {
  const vm = recorded('vm', {
    digit: 'b',
    error: 'no network for "ID"',
    left: () => [netns('b'), netns('c')],
  });
  const container = recorded('container', {
    digit: 'd',
    error: 'no network for "ID"',
    left: () => [netns('d')],
  });
  expect(differences(bare, vm)).toEqual([
    'only on bare, 1-run-pod: there is ipam net/10.88.0.2',
    'only on vm, 1-run-pod: there is netns cni-NAME',
    'only on vm, 1-run-pod: there is netns cni-NAME',
  ]);
  expect(differences(container, vm)).toEqual(['only on vm, 1-run-pod: there is netns cni-NAME']);
});

test('a process or mount of a running container is not a difference, one without a shim is', () => {
  const error = 'no network for "ID"';
  const process = item('process', 'runc init');
  const shim = item('shim', `containerd-shim-runc-v2 -id ${'e'.repeat(64)}`);
  const rootfs = item(
    'mount',
    `/run/containerd/io.containerd.runtime.v2.task/k8s.io/${'f'.repeat(64)}/rootfs`,
  );
  const [quiet, running] = [[shim], [shim, process, rootfs]].map((items) =>
    recorded('bare', { digit: 'a', error, left: () => items }),
  );
  const orphan = recorded('vm', { digit: 'b', error, left: () => [process, rootfs] });
  const nothing = recorded('bare', { digit: 'a', error, left: () => [] });
  expect(quiet && running && differences(quiet, running)).toEqual([]);
  expect(differences(nothing, orphan)).toEqual([
    'only on vm, 1-run-pod: there is mount /run/containerd/io.containerd.runtime.v2.task/k8s.io/ID/rootfs',
    'only on vm, 1-run-pod: there is process runc init',
  ]);
});

test('a plugin that is still being called is not a difference, whether it is a program or a script', () => {
  const plugins = ['/opt/cni/bin/bridge', '/bin/sh /lab/plugins/17/agent-cni'].map((name) =>
    item('process', name),
  );
  const called = recorded('container', { digit: 'a', error: 'EOF', left: () => plugins });
  const over = recorded('bare', { digit: 'b', error: 'EOF', left: () => [] });
  expect(differences(over, called)).toEqual([]);
});

test('a run that broke off differs from one that did not', () => {
  const entries = [
    ...bare.entries.slice(0, -1),
    { kind: 'lab-failure', during: 'the steps', message: 'the guest is gone', atMs: 9 } as const,
  ];
  const vm = { on: 'vm', entries, verdict: judge(run, entries) };
  expect(differences(bare, vm)).toContain(
    'only on vm, end: the lab failed during the steps: the guest is gone',
  );
});

test('the number of looks in a step, and a tracked flow, are not a difference', () => {
  const flow = item('conntrack', 'udp 192.0.2.7:40000 to 192.0.2.1:8125 at 10.88.0.2:8125');
  const once = journalOf(run, { steps: [{}, { state: state([flow]) }] });
  const twice = journalOf(run, { steps: [{}, { state: state() }] }).flatMap(
    (entry): readonly JournalEntry[] => {
      if (entry.kind === 'run-ended') return [{ ...entry, entries: entry.entries + 1 }];
      const again = entry.kind === 'look' && entry.stepId === '2-stop-pod';
      return again ? [{ ...entry, state: state([item('shim', 'a')]) }, entry] : [entry];
    },
  );
  const [first, second] = [once, twice].map((entries, index) => ({
    on: index === 0 ? 'bare' : 'vm',
    entries,
    verdict: judge(run, entries),
  }));
  expect(first && second && differences(first, second)).toEqual([]);
});

test('host ports that CRI-O sets up are named after the id of the pod, and are the same', () => {
  expect(withoutNames('iptables ip nat -N KUBE-HP-YOGHWEQJCL23MWL6')).toBe('iptables ip nat -N KUBE-HP-HASH');
  expect(withoutNames('elements = { tcp . 8080 comment "L3UQTCJJDATBXUBI" : 10.88.0.2 . 80 }')).toBe(
    'elements = { tcp . 8080 comment "HASH" : 10.88.0.2 . 80 }',
  );
});

test('namespaces that CRI-O names by a random id alone are the same, and so are times of crictl', () => {
  const of = (digit: string, seconds: string) =>
    withoutNames(
      `time="2026-11-28T15:42:${seconds}Z" level=warning: /run/netns/${digit.repeat(8)}-3643-4240-961f-2ca5730f0a8f`,
    );
  expect(of('a', '08')).toBe('time="TIME" level=warning: /run/netns/UUID');
  expect(of('b', '20')).toBe(of('a', '08'));
});
