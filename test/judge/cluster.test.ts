import { expect, test } from 'vitest';

import type { ClusterLook, ClusterState } from '../../lab/core/cluster-state.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import type { ClusterExpectation } from '../../lab/spec/scenario.ts';
import { judge } from '../rig/judged.ts';
import { at, exactly, expecting, journalOf, planned } from '../rig/recorded-run.ts';

const node = (name: string, more: Partial<ClusterState['nodes'][number]> = {}) => ({
  name,
  schedulable: true,
  ready: 'True' as const,
  reason: 'KubeletReady',
  message: 'kubelet is posting ready status',
  runtimeVersion: 'containerd://1.6.4',
  ...more,
});
const pod = (name: string, on: string | undefined, more: Partial<ClusterState['pods'][number]> = {}) => ({
  ...{ namespace: 'default', name, app: 'web', phase: 'Running', ready: true, terminating: false },
  ...(on === undefined ? {} : { node: on }),
  ...more,
});
const FAILED = {
  kind: 'Pod',
  name: 'web-6d4cf56db6-x7x2p',
  type: 'Warning',
  reason: 'FailedCreatePodSandBox',
  message: 'Failed to create pod sandbox: no network',
  count: 3,
};
const STATE: ClusterState = {
  nodes: [node('worker-1'), node('worker-2', { schedulable: false })],
  pods: [
    pod('web-1', 'worker-1'),
    pod('web-2', 'worker-1', { terminating: true }),
    pod('web-3', undefined, { ready: false }),
  ],
  events: [FAILED],
};

const RUN = (cluster: Partial<ClusterExpectation>) => {
  const whole = { place: at(30), nodes: {}, pods: {}, events: [], noEvents: [], ...cluster };
  return planned({ steps: [[{ do: 'exec', argv: ['true'] }, expecting({ cluster: whole })]] });
};

/** The findings about the cluster, after a step that looked at it and saw this. */
function judged(cluster: Partial<ClusterExpectation>, look: ClusterLook | undefined = STATE) {
  const run = RUN(cluster);
  const entries = journalOf(run, {}).flatMap((entry): readonly JournalEntry[] => {
    if (entry.kind === 'run-ended')
      return [{ ...entry, entries: entry.entries + (look === undefined ? 0 : 1) }];
    return entry.kind === 'step-ended' && look !== undefined
      ? [entry, { kind: 'cluster-look', stepId: entry.stepId, cluster: look, atMs: entry.atMs }]
      : [entry];
  });
  return judge(run, entries)
    .findings.filter(({ check }) => check.startsWith('cluster-'))
    .map(({ check, outcome, message }) => `${check} ${outcome}: ${message}`);
}

const place = at(31);

test('a node is as expected, or what it is instead', () => {
  expect(judged({ nodes: { 'worker-2': { place, ready: 'True', schedulable: false } } })).toEqual([
    'cluster-nodes pass: node worker-2 with containerd://1.6.4 is Ready=True and cordoned: KubeletReady: kubelet is posting ready status, as expected',
  ]);
  expect(judged({ nodes: { 'worker-2': { place, schedulable: true } } })).toEqual([
    'cluster-nodes fail: node worker-2 with containerd://1.6.4 is Ready=True and cordoned: KubeletReady: kubelet is posting ready status',
  ]);
  expect(judged({ nodes: { 'worker-1': { place, ready: 'Unknown' } } })[0]).toMatch(/^cluster-nodes fail/);
  expect(judged({ nodes: { 'worker-1': { place, runtimeVersion: 'containerd://1.6.3' } } })[0]).toMatch(
    /^cluster-nodes fail/,
  );
  expect(judged({ nodes: { 'worker-3': { place, ready: 'True' } } })).toEqual([
    'cluster-nodes fail: there is no node worker-3',
  ]);
});

test('the words of a condition are compared character by character', () => {
  const message = exactly('kubelet is posting ready statuses');
  expect(
    judged({ nodes: { 'worker-1': { place, reason: exactly('KubeletReady'), message } } }).slice(1),
  ).toEqual([
    'cluster-nodes pass: the reason of node worker-1 is exactly as expected',
    'cluster-nodes fail: the message of node worker-1 differs at character 32',
  ]);
});

test('pods are counted: all, those that are ready, those that end, and where they are', () => {
  expect(
    judged({ pods: { web: { place, count: 3, ready: 1, terminating: 1, on: { 'worker-1': 2 } } } }),
  ).toEqual([
    'cluster-pods pass: pods of web: 1 of 3 ready, 1 terminating, 2 on worker-1, 1 on no node, as expected',
  ]);
  const wrong = 'cluster-pods fail: pods of web: 1 of 3 ready, 1 terminating, 2 on worker-1, 1 on no node';
  for (const keys of [
    { count: 2 },
    { ready: 2 },
    { terminating: 0 },
    { on: { 'worker-1': 2, 'worker-2': 1 } },
    { on: {} },
  ])
    expect(judged({ pods: { web: { place, ...keys } } })).toEqual([wrong]);
  expect(judged({ pods: { other: { place, count: 0 } } })[0]).toMatch(/^cluster-pods pass/);
});

test('an event is found by its words, and counted', () => {
  const message = exactly(FAILED.message);
  const { reason } = FAILED;
  expect(judged({ events: [{ place, about: 'web', type: 'Warning', reason, message, times: 3 }] })).toEqual([
    'cluster-events pass: 3 times Warning FailedCreatePodSandBox about web: Failed to create pod sandbox: no network, as expected',
  ]);
  expect(judged({ events: [{ place, reason, times: 2 }] })).toEqual([
    'cluster-events fail: 3 times an event FailedCreatePodSandBox, expected 2',
  ]);
  expect(judged({ events: [{ place, about: 'we', reason }] })).toEqual([
    'cluster-events fail: 0 times an event FailedCreatePodSandBox about we, expected at least 1',
  ]);
  expect(
    judged({ events: [{ place, reason, message: exactly('Failed to create pod sandbox: no networks') }] }),
  ).toEqual(
    ['cluster-events fail: the event FailedCreatePodSandBox differs at character 41: it ends here'].map(
      (line) => expect.stringContaining(line.split(': it ends')[0] ?? '') as string,
    ),
  );
});

test('an event that must not be there', () => {
  expect(judged({ noEvents: [{ place, reason: 'FailedKillPod' }] })).toEqual([
    'cluster-events pass: no an event FailedKillPod, as expected',
  ]);
  expect(judged({ noEvents: [{ place, reason: FAILED.reason }] })).toEqual([
    'cluster-events fail: 3 times an event FailedCreatePodSandBox, expected none',
  ]);
});

test('what nobody could see is not known, whatever is expected', () => {
  const expected = {
    nodes: { 'worker-1': { place, ready: 'True' as const } },
    pods: { web: { place, count: 3 } },
    noEvents: [{ place, reason: 'x' }],
  };
  const unseen = 'connection refused; kube-apiserver on control-plane ended by SIGKILL';
  expect(judged(expected, { unseen })).toEqual([
    `cluster-nodes inconclusive: the cluster is not known: ${unseen}`,
    `cluster-pods inconclusive: the cluster is not known: ${unseen}`,
    `cluster-events inconclusive: the cluster is not known: ${unseen}`,
  ]);
});

test('a journal without the look knows nothing of the cluster', () => {
  const run = RUN({ pods: { web: { place, count: 3 } } });
  const findings = judge(run, journalOf(run, {})).findings.filter(({ check }) => check === 'cluster-pods');
  expect(findings.map(({ outcome, message }) => [outcome, message])).toEqual([
    ['inconclusive', 'the cluster is not known: nobody looked'],
  ]);
});
