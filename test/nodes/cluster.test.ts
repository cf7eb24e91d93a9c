import { expect, test } from 'vitest';

import { readState } from '../../lab/nodes/cluster/read-state.ts';
import { unreadyNodes } from '../../lab/nodes/cluster/cluster.ts';

const result = (stdout: string, more = {}) => ({
  ...{ argv: ['kubectl'], exitCode: 0, signal: null, stdout, stderr: '', durationMs: 1, timedOut: false },
  ...more,
});

const ready = (status: string, message: string) => ({
  type: 'Ready',
  status,
  reason: 'KubeletNotReady',
  message,
});

/** As kubectl 1.24 prints them, without what nobody reads. */
const LIST = {
  kind: 'List',
  items: [
    {
      kind: 'Node',
      metadata: { name: 'worker-1', labels: {} },
      spec: { unschedulable: true },
      status: {
        conditions: [ready('False', 'PLEG is not healthy')],
        nodeInfo: { containerRuntimeVersion: 'containerd://1.6.4' },
      },
    },
    {
      kind: 'Pod',
      metadata: {
        name: 'web-1',
        namespace: 'default',
        labels: { app: 'web' },
        deletionTimestamp: '2026-11-28T18:00:00Z',
      },
      spec: { nodeName: 'worker-1' },
      status: { phase: 'Running', podIP: '10.244.2.2', conditions: [{ type: 'Ready', status: 'True' }] },
    },
    { kind: 'Pod', metadata: { name: 'late', namespace: 'default' }, spec: {}, status: { phase: 'Pending' } },
    {
      ...{
        kind: 'Event',
        metadata: { name: 'b', namespace: 'default' },
        type: 'Normal',
        reason: 'Second',
        message: 'm',
      },
      ...{
        involvedObject: { kind: 'Pod', name: 'late' },
        firstTimestamp: null,
        eventTime: '2026-11-28T18:00:02.000000Z',
      },
    },
    {
      ...{
        kind: 'Event',
        metadata: { name: 'a', namespace: 'default' },
        type: 'Warning',
        reason: 'First',
        message: 'm',
        count: 2,
      },
      ...{
        involvedObject: { kind: 'Node', name: 'worker-1' },
        firstTimestamp: '2026-11-28T18:00:01Z',
        eventTime: null,
      },
    },
  ],
};

test('nodes, pods and events are read from one list, events by their time', () => {
  expect(readState(result(JSON.stringify(LIST)))).toEqual({
    nodes: [
      {
        ...{ name: 'worker-1', schedulable: false, ready: 'False', reason: 'KubeletNotReady' },
        ...{ message: 'PLEG is not healthy', runtimeVersion: 'containerd://1.6.4' },
      },
    ],
    pods: [
      {
        ...{
          namespace: 'default',
          name: 'web-1',
          app: 'web',
          node: 'worker-1',
          phase: 'Running',
          ready: true,
        },
        ...{ terminating: true, ip: '10.244.2.2' },
      },
      { namespace: 'default', name: 'late', phase: 'Pending', ready: false, terminating: false },
    ],
    events: [
      { kind: 'Node', name: 'worker-1', type: 'Warning', reason: 'First', message: 'm', count: 2 },
      { kind: 'Pod', name: 'late', type: 'Normal', reason: 'Second', message: 'm', count: 1 },
    ],
  });
});

test.each([
  [
    result('', { exitCode: 1, stderr: 'E1128 …\nThe connection to the server 10.89.0.1:6443 was refused\n' }),
    'The connection to the server 10.89.0.1:6443 was refused',
  ],
  [result('', { exitCode: null, timedOut: true }), 'the API server did not answer'],
  [result('{"items":[{"kind":"Secret"}]}'), 'kubectl did not print a list of nodes, pods and events'],
])('what cannot be read is not an empty cluster', (printed, unseen) => {
  expect(readState(printed)).toEqual({ unseen });
});

test('a node that does not become Ready says why, and so does one that never joined', () => {
  const look = readState(result(JSON.stringify(LIST)));
  expect(unreadyNodes(look, [{ name: 'worker-1' }, { name: 'worker-2' }])).toEqual([
    'worker-1 is not Ready: PLEG is not healthy',
    'worker-2 has not joined',
  ]);
  expect(unreadyNodes({ unseen: 'refused' }, [{ name: 'worker-1' }])).toEqual(['refused']);
});
