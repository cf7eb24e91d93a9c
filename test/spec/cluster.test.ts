import { expect, test } from 'vitest';

import { mistakesOf, scenarioOf } from './read.ts';

const HEAD = 'name: s\nsummary: s\n';
const CLUSTER = `${HEAD}cluster: { kubernetes: 1.24.17, workers: 2, node: { containerd: 1.6.4 } }\n`;

const messagesOf = (text: string): readonly string[] =>
  mistakesOf(text)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:/, ''));

test('a cluster has a control plane and workers, each with a conflist for its own pods', () => {
  const { nodes, cluster } = scenarioOf(`${CLUSTER}steps: [{ cordon: worker-1 }]\n`);
  expect(cluster?.workers).toEqual(['worker-1', 'worker-2']);
  expect(
    nodes.map(({ name, cniConfig }) => [name, /"subnet": "([^"]+)"/.exec(cniConfig[0]?.content ?? '')?.[1]]),
  ).toEqual([
    ['control-plane', '10.244.1.0/24'],
    ['worker-1', '10.244.2.0/24'],
    ['worker-2', '10.244.3.0/24'],
  ]);
});

test('`when` knows Kubernetes and etcd where there is a cluster', () => {
  const step = "steps: [{ cordon: worker-1, when: { kubernetes: '>=1.35', etcd: '<4' } }]\n";
  expect(messagesOf(`${CLUSTER}${step}`)).toEqual([]);
  const [message] = messagesOf(
    `${HEAD}node: { containerd: 1.6.4 }\nsteps: [{ run-pod: web, when: { kubernetes: 1.x } }]\n`,
  );
  expect(message).toContain('"kubernetes" is neither a component nor an axis');
});

test('what is different on one node replaces what all have', () => {
  const { nodes } = scenarioOf(`${HEAD}cluster:
  kubernetes: 1.24.17
  workers: 2
  node: { containerd: 1.6.4, cni-plugins: 1.1.1 }
  nodes: { worker-2: { containerd: 1.6.0, cni-config: {} } }
steps: [{ cordon: worker-1 }]
`);
  expect(
    nodes.map(({ name, runtime, cniPlugins, cniConfig }) => [
      name,
      runtime.version.text,
      cniPlugins.set?.text,
      cniConfig.length,
    ]),
  ).toEqual([
    ['control-plane', '1.6.4', '1.1.1', 1],
    ['worker-1', '1.6.4', '1.1.1', 1],
    ['worker-2', '1.6.0', '1.1.1', 0],
  ]);
});

test('steps of the cluster are taken on the control plane; the others say where', () => {
  const { steps, expect: end } = scenarioOf(`${CLUSTER}steps:
  - apply: { kind: Pod }
  - wait-for: { cluster: { pods: { web: { ready: 1 } } } }
  - { stop-kubelet: , on: worker-2 }
expect: { cluster: { nodes: { worker-1: { ready: true } } } }
`);
  expect(steps.map(({ on }) => on)).toEqual(['control-plane', 'control-plane', 'worker-2']);
  expect(end.map(({ on }) => on)).toEqual(['control-plane']);
});

test('a manifest is a mapping, a text or a list of them', () => {
  const { steps } = scenarioOf(`${CLUSTER}steps:
  - apply: [{ kind: Pod }, 'kind: Service']
`);
  expect(steps[0]?.action).toMatchObject({
    do: 'apply',
    manifests: [{ content: '{\n  "kind": "Pod"\n}\n' }, { content: 'kind: Service' }],
  });
});

test.each([
  [
    'a node that the cluster does not have',
    'steps: [{ cordon: worker-3 }]',
    '4:19 there is no node "worker-3"; did you mean "worker-1"? known: control-plane, worker-1, worker-2',
  ],
  [
    'a node for a step that has none',
    'steps: [{ cordon: worker-1, on: worker-1 }]',
    '4:29 cordon is about the cluster and is taken on control-plane; leave "on" out',
  ],
  [
    'no node for a step that has one',
    'steps: [{ stop-kubelet: }]',
    '4:9 a step says which node it is about: on: control-plane or worker-1 or worker-2',
  ],
  [
    'an expectation that says nothing',
    'steps: [{ cordon: worker-1, expect: { cluster: {} } }]',
    '4:48 this says nothing; write nodes, pods or events',
  ],
  [
    'an expectation of a step in the background',
    'steps: [{ exec: [sleep, "1"], on: worker-1, background: b, expect: { cluster: { pods: { web: { ready: 1 } } } } }]',
    '4:60 of a step in the background nobody knows when it has changed the cluster; expect it of a later step',
  ],
])('%s is a mistake', (_what, steps, message) => {
  expect(messagesOf(`${CLUSTER}${steps}\n`)).toEqual([message]);
});

test('a step of a cluster in a file without one is a mistake', () => {
  expect(messagesOf(`${HEAD}node: { containerd: 1.6.4 }\nsteps: [{ apply: { kind: Pod } }]\n`)).toEqual([
    '4:9 a step is about a cluster, and this file has none: write "cluster"',
  ]);
});

test.each([
  [
    'an unknown node',
    'workers: 1, node: { containerd: 1.6.4 }, nodes: { worker-2: { containerd: 1.6.0 } }',
    'the cluster has no node "worker-2"; it has control-plane, worker-1',
  ],
  ['no runtime', 'workers: 1, node: { cni-plugins: 1.1.1 }', '"containerd" or "crio" is missing'],
])('%s in a cluster is a mistake', (_what, keys, message) => {
  const text = `${HEAD}cluster: { kubernetes: 1.24.17, ${keys} }\nsteps: [{ cordon: worker-1 }]\n`;
  expect(messagesOf(text).map((line) => line.replace(/^\d+:\d+ /, ''))).toEqual([message]);
});
