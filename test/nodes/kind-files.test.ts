import { describe, expect, test } from 'vitest';

import {
  clusterName,
  kindContainerName,
  nodeInKindContainer,
} from '../../lab/nodes/backends/container/spec.ts';
import {
  joinedKubeletArgv,
  kindConfig,
  staticPodPatches,
  whyNotKind,
} from '../../lab/nodes/cluster/kind-files.ts';

const socket = '/run/containerd/containerd.sock';
const MEMBERS = ['control-plane', 'worker-1', 'worker-2'].map((name) => ({ name, socket }));

interface Config {
  readonly networking: object;
  readonly kubeadmConfigPatches: readonly string[];
  readonly nodes: readonly { readonly role: string; readonly kubeadmConfigPatches: readonly string[] }[];
}

interface Patch {
  readonly nodeRegistration?: { readonly kubeletExtraArgs?: object };
  readonly failCgroupV1?: boolean;
}

describe('the configuration of kind', () => {
  const parts = {
    image: 'localhost/node:1',
    artifacts: { engineHostPath: '/volume', nodePath: '/lab/artifacts' },
  };
  const configOf = (kubernetes: string) =>
    JSON.parse(kindConfig(MEMBERS, { ...parts, kubernetes })) as Config;
  const config = configOf('1.24.17');
  const patchesOf = (index: number) =>
    config.nodes[index]?.kubeadmConfigPatches.map((patch) => JSON.parse(patch) as unknown);

  test('the first node is the control plane, and each has the image and the artifacts', () => {
    expect(config.nodes.map(({ role }) => role)).toEqual(['control-plane', 'worker', 'worker']);
    for (const node of config.nodes)
      expect(node).toMatchObject({
        image: 'localhost/node:1',
        extraMounts: [{ hostPath: '/volume', containerPath: '/lab/artifacts', readOnly: true }],
      });
  });

  test('nodes have the names of the scenario, and the socket of their runtime', () => {
    expect(patchesOf(0)).toMatchObject([
      {
        kind: 'InitConfiguration',
        nodeRegistration: { name: 'control-plane', criSocket: `unix://${socket}` },
      },
    ]);
    expect(patchesOf(0)).toMatchObject([
      {
        nodeRegistration: {
          taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
        },
      },
    ]);
    expect(patchesOf(2)).toMatchObject([
      { kind: 'JoinConfiguration', nodeRegistration: { name: 'worker-2', criSocket: `unix://${socket}` } },
    ]);
  });

  test('kind brings no network, kube-proxy or DNS of its own, and pulls nothing', () => {
    expect(config.networking).toMatchObject({ disableDefaultCNI: true, kubeProxyMode: 'none' });
    expect(patchesOf(0)).toMatchObject([{ skipPhases: ['preflight', 'addon/coredns', 'addon/kube-proxy'] }]);
  });

  test.each([
    ['1.35.4', { 'leader-elect': 'false', 'kube-api-qps': '500', 'kube-api-burst': '1000' }],
    [
      '1.36.0',
      [
        { name: 'leader-elect', value: 'false' },
        { name: 'kube-api-qps', value: '500' },
        { name: 'kube-api-burst', value: '1000' },
      ],
    ],
  ])('for kubeadm %s, flags have the form of the version that kind writes', (version, flags) => {
    const [cluster] = configOf(version).kubeadmConfigPatches.map((patch) => JSON.parse(patch) as unknown);
    expect(cluster).toMatchObject({
      kind: 'ClusterConfiguration',
      scheduler: { extraArgs: flags },
    });
  });

  test.each([
    ['1.24.17', { 'pod-infra-container-image': 'cnilab.local/pause:1' }, undefined],
    ['1.34.4', { 'pod-infra-container-image': 'cnilab.local/pause:1' }, undefined],
    ['1.35.4', undefined, false],
  ])('the kubelet of %s is told of the sandbox image, or of cgroup v1', (version, flags, refuses) => {
    const { nodes, kubeadmConfigPatches } = configOf(version);
    const read = (patch = '') => JSON.parse(patch) as Patch;
    expect(read(nodes[1]?.kubeadmConfigPatches[0]).nodeRegistration?.kubeletExtraArgs).toEqual(flags);
    expect(read(kubeadmConfigPatches[1]).failCgroupV1).toBe(refuses);
  });
});

test.each([
  ['0.30.0', '1.35.4', undefined],
  [
    '0.30.0',
    '1.37.2',
    'kind 0.30.0 writes its configuration of kubeadm as v1beta3, which kubeadm 1.37.2 does not read: use kind 0.32.0 or later',
  ],
  ['0.33.0', '1.37.2', undefined],
])('kind %s and Kubernetes %s', (kind, kubernetes, why) => {
  expect(whyNotKind(kind, kubernetes)).toBe(why);
});

test('static pods of the control plane run the programs of the node', () => {
  expect(staticPodPatches.map(({ nodePath }) => nodePath)).toContain('/kind/patches/kube-apiserver.json');
  const [first] = staticPodPatches;
  const patch: unknown = JSON.parse(first !== undefined && 'content' in first ? first.content : '');
  expect(patch).toMatchObject({
    spec: {
      containers: [{ name: 'kube-apiserver', volumeMounts: [{ mountPath: '/bin/kube-apiserver' }] }],
      volumes: [{ hostPath: { path: '/usr/local/bin/kube-apiserver' } }],
    },
  });
});

test('a kubelet is started with the flags that kubeadm has written', () => {
  const flags = 'KUBELET_KUBEADM_ARGS="--container-runtime=remote --node-ip=172.18.0.3 --node-labels="\n';
  expect(joinedKubeletArgv(flags).slice(-3)).toEqual([
    '--container-runtime=remote',
    '--node-ip=172.18.0.3',
    '--node-labels=',
  ]);
  expect(joinedKubeletArgv('')).toEqual([
    'kubelet',
    '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf',
    '--kubeconfig=/etc/kubernetes/kubelet.conf',
    '--config=/var/lib/kubelet/config.yaml',
  ]);
});

test.each([
  [0, 'cnilab-lab-1f-1-control-plane', 'lab-1f-1-control-plane'],
  [1, 'cnilab-lab-1f-1-worker', 'lab-1f-1-worker-1'],
  [2, 'cnilab-lab-1f-1-worker2', 'lab-1f-1-worker-2'],
])('node %i of a cluster is in the container that kind calls %s', (index, container, node) => {
  expect(kindContainerName(clusterName('lab-1f-1'), index)).toBe(container);
  expect(nodeInKindContainer(container)).toBe(node);
});
