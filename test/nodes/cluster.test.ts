import { describe, expect, test } from 'vitest';

import {
  printedKubeconfig,
  startCluster,
  unreadyNodes,
  withKubelets,
} from '../../lab/nodes/cluster/cluster.ts';
import { readState } from '../../lab/nodes/cluster/read-state.ts';
import { fakeArtifact, fakeNode, RUNNING } from '../rig/fake-node.ts';
import { lastError, startProgram, watchSpaceOfEtcd } from '../../lab/nodes/cluster/node-process.ts';
import { NotInTime } from '../../lab/core/wait-for.ts';

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

describe('the start of a kubelet', () => {
  const NAMES = ['control-plane', 'worker-1', 'worker-2'];
  const allReady = JSON.stringify({
    items: NAMES.map((name) => ({
      kind: 'Node',
      metadata: { name },
      spec: {},
      status: { conditions: [ready('True', 'kubelet is posting ready status')] },
    })),
  });

  /** A cluster on nodes without machines. `began` is which programs and commands began on a node since then. */
  async function cluster({
    apiServer = () => ({}),
    version = '1.24.17',
  }: { readonly apiServer?: () => object; readonly version?: string } = {}) {
    const fakes = NAMES.map((name) => ({
      name,
      fake: fakeNode({
        exec: (argv) => {
          if (argv.includes('nodes,pods,events')) return { stdout: allReady };
          return argv.includes('/readyz') ? apiServer() : {};
        },
      }),
    }));
    const started = await startCluster({
      kubernetes: { ...fakeArtifact('kubernetes', 'kubelet'), version },
      etcd: fakeArtifact('etcd', 'etcd'),
      nodes: fakes.map(({ name, fake }) => ({ name, node: fake.node, runtime: RUNNING })),
      clock: fakes[0]?.fake.clock ?? fakeNode().clock,
      signal: new AbortController().signal,
      onPart: () => undefined,
    });
    return (name: string) => {
      const fake = fakes.find((one) => one.name === name)?.fake;
      if (fake === undefined) throw new Error(`there is no ${name}`);
      const before = fake.done.length;
      const words = (line: string) => line.split(' ').slice(0, line.startsWith('start ') ? 2 : 4);
      const began = () => fake.done.slice(before).map((line) => words(line).join(' '));
      return { ...fake, began, inCluster: started.node(name) };
    };
  }

  test('after its end, it is started alone, with the routes', async () => {
    const { began, inCluster } = (await cluster())('worker-1');
    await inCluster.endKubelet('TERM');
    expect(inCluster.kubeletRuns()).toBe(false);
    await inCluster.startKubelet();
    expect(inCluster.kubeletRuns()).toBe(true);
    expect(began()).toEqual([
      'SIGTERM',
      ...[
        'ip route replace 10.96.0.0/16',
        'ip route replace 10.244.1.0/24',
        'ip route replace 10.244.3.0/24',
      ],
      'start kubelet',
    ]);
  });

  test.each([
    ['1.24.17', []],
    [
      '1.29.6',
      [
        'kubectl --kubeconfig /etc/kubernetes/super-admin.conf create clusterrolebinding kubeadm:cluster-admins ' +
          '--clusterrole=cluster-admin --group=kubeadm:cluster-admins',
      ],
    ],
  ])('%s: the user in admin.conf gets its role once the API server answers', async (version, expected) => {
    const { done } = (await cluster({ version }))('control-plane');
    const bindings = done.filter((line) => line.includes('clusterrolebinding'));
    expect(bindings).toEqual(expected);
    if (expected.length > 0)
      expect(done.indexOf(expected[0] ?? '')).toBeGreaterThan(done.indexOf('kubectl get --raw /readyz'));
  });

  test('after a reboot of a worker, kube-proxy is started again too', async () => {
    const { began, inCluster, node } = (await cluster())('worker-2');
    await node.reboot();
    expect(inCluster.kubeletRuns()).toBe(false);
    await inCluster.startKubelet();
    expect(began().filter((line) => !line.startsWith('ip '))).toEqual([
      ...['reboot', 'start kubelet', 'start kube-proxy'],
    ]);
  });

  test('after a reboot of the control plane, all of its programs are, in their order', async () => {
    const named = await cluster();
    await named('worker-1').inCluster.endKubelet('KILL'); // is nothing that the control plane waits for
    const { began, inCluster, node } = named('control-plane');
    await node.reboot();
    await inCluster.startKubelet();
    expect(began().filter((line) => !line.startsWith('ip '))).toEqual([
      ...['reboot', 'start etcd', 'start kube-apiserver', 'kubectl get --raw /readyz'],
      ...['start kube-controller-manager', 'start kube-scheduler', 'start kubelet', 'start kube-proxy'],
    ]);
    expect(inCluster.kubeletRuns()).toBe(true);
  });

  test('an API server that ends again is an error with the words of its log', async () => {
    let answer = (): object => ({});
    const named = await cluster({ apiServer: () => answer() });
    const { endProcess, inCluster, log, node } = named('control-plane');
    await node.reboot();
    log('F1129 02:58:00.000000 1 run.go:74] "command failed" err="context deadline exceeded"\n');
    answer = () => {
      endProcess('SIGABRT');
      return { exitCode: 1, stderr: 'connection refused' };
    };
    await expect(inCluster.startKubelet()).rejects.toThrow(
      'kube-apiserver on control-plane ended by SIGABRT: "command failed" err="context deadline exceeded"',
    );
  });
});

test('of a node that has not joined, its kubelet says why', async () => {
  const seen = readState(result(JSON.stringify(LIST)));
  const worker = (name: string, log: string) => {
    const fake = fakeNode();
    fake.log(log);
    return { name, node: fake.node };
  };
  const members = [
    worker('worker-1', 'E1128 18:00:00.000001      25 a.go:1] "it has joined"\n'),
    worker(
      'worker-2',
      'E1128 18:00:00.000001      25 kubelet_node_status.go:92] "Unable to register" err="no"\n',
    ),
    worker('worker-3', ''),
  ];
  const late = new NotInTime('the nodes was not ready after 60000 ms; last seen: worker-2 has not joined');
  expect((await withKubelets(late, { seen, members })).message).toBe(
    `${late.message}; kubelet on worker-2 says: "Unable to register" err="no"; kubelet on worker-3 says: its log is empty`,
  );
  expect((await withKubelets(late, { seen: { unseen: 'refused' }, members })).message).toBe(late.message);
});

test.each([
  [
    'kubelet',
    'I1129 03:16:42.1 25 a.go:1] "fine"\nE1129 03:16:42.555607      25 kubelet.go:1378] "Failed" err="why"\n',
    '"Failed" err="why"',
  ],
  [
    'etcd, which panics after its error',
    '{"level":"panic","msg":"failed to create WAL","error":"no space left on device","stacktrace":"a\\n\\tb"}\n' +
      'panic: failed to create WAL\n\ngoroutine 1 [running]:\n',
    'failed to create WAL: no space left on device',
  ],
  ['a program that reports no error', 'first\nsecond\n', 'second'],
  ['an empty log', '\n', 'its log is empty'],
  ['a long line', `E1129 03:16:42.1 25 a.go:1] ${'x'.repeat(500)}`, `${'x'.repeat(400)}…`],
])('the last error of %s is one short line', (_, log, error) => {
  expect(lastError(log)).toBe(error);
});

test.each([
  ['alone', ''],
  [
    'after a warning, as kubeadm 1.23 prints it',
    '[config] WARNING: Ignored YAML document with GroupVersionKind kubeadm.k8s.io/v1beta3, Kind=JoinConfiguration\n',
  ],
])('a kubeconfig is read %s', async (_, warning) => {
  const kubeconfig = 'apiVersion: v1\nkind: Config\nusers:\n- exec:\n    apiVersion: v1\n';
  const { node } = fakeNode({ exec: () => ({ stdout: warning + kubeconfig }) });
  expect(await printedKubeconfig(node, ['kubeadm'])).toBe(kubeconfig);
});

test('a program that has ended says why, unless a signal ended it', async () => {
  const fake = fakeNode();
  fake.log('E1129 03:16:42.1 25 a.go:1] "Failed" err="why"\n');
  const on = async (end: { readonly exitCode: number | null; readonly signal: string | null }) => {
    let endNow = (_: typeof end): void => undefined;
    const ended = new Promise<typeof end>((resolve) => (endNow = resolve));
    const process = { pid: 1, ended, signal: async () => undefined };
    const node = { ...fake.node, start: async () => process };
    const program = await startProgram({ node, name: 'worker-1' }, ['kubelet', '--flag']);
    const before = program.runs();
    endNow(end);
    await ended;
    return [before, program.runs(), await program.whyEnded()];
  };
  expect(await on({ exitCode: 1, signal: null })).toEqual([
    true,
    false,
    'kubelet on worker-1 ended with 1: "Failed" err="why"',
  ]);
  expect(await on({ exitCode: null, signal: 'SIGKILL' })).toEqual([
    true,
    false,
    'kubelet on worker-1 ended by SIGKILL',
  ]);
});

test('etcd has no space from its alarm on, until the alarm is disarmed', async () => {
  const { node, log } = fakeNode();
  const hasNoSpace = watchSpaceOfEtcd(node);
  const alarm = (what: string) => `{"level":"warn","msg":"alarm ${what}","alarm":"NOSPACE","from":"0"}\n`;
  log('{"level":"info","msg":"ready"}\n');
  expect(await hasNoSpace()).toBe(false);
  log(alarm('raised').slice(0, 40));
  expect(await hasNoSpace()).toBe(false);
  log(alarm('raised').slice(40));
  expect(await hasNoSpace()).toBe(true);
  expect(await hasNoSpace()).toBe(true);
  log(alarm('disarmed'));
  expect(await hasNoSpace()).toBe(false);
});
