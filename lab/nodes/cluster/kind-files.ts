import compareVersions from 'semver/functions/compare.js';

import { APP_IMAGE, SANDBOX_IMAGE } from '../../core/components.ts';
import type { KindNodeParts } from '../kind-cluster.ts';
import type { NodeFile } from '../node.ts';
import { ETCD, KMSG, type Member, PODS, SERVICES, yaml } from './kubernetes-files.ts';
import { releaseOf, type KubernetesRelease } from './releases.ts';

/** The configuration of kubeadm on a node of kind, which kind writes. */
export const KIND_KUBEADM_CONFIG = '/kind/kubeadm.conf';
/** The interface of a node in the network that kind uses. */
export const KIND_LINK = 'eth0';
const PATCHES = '/kind/patches';
/** What kubeadm has told the kubelet of a node. */
export const KUBELET_FLAGS = '/var/lib/kubelet/kubeadm-flags.env';

const CONTROL_PLANE_TAINT = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

/** Programs of the control plane that run as static pods. etcd runs beside them, as on bare nodes. */
const STATIC_PODS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** Flags of the controller manager and the scheduler, as on bare nodes: they are alone, and a test does not wait for a limit. */
const QUICK = { 'leader-elect': 'false', 'kube-api-qps': '500', 'kube-api-burst': '1000' };

/** The first kind that writes v1beta4 for kubeadm; see releases.ts. */
const KIND_WITH_V1BETA4 = '0.32.0';

/** Why this version of kind makes no cluster of this version of Kubernetes; undefined if it does. */
export const whyNotKind = (kind: string, kubernetes: string): string | undefined =>
  releaseOf(kubernetes).kindWritesKubeadmV1beta4 && compareVersions(kind, KIND_WITH_V1BETA4) < 0
    ? `kind ${kind} writes its configuration of kubeadm as v1beta3, which kubeadm ${kubernetes} does not read: use kind ${KIND_WITH_V1BETA4} or later`
    : undefined;

/** The configuration of a cluster for kind. The control plane is the first. */
export function kindConfig(
  members: readonly Pick<Member, 'name' | 'socket'>[],
  { kubernetes, image, artifacts }: KindNodeParts & { readonly kubernetes: string },
): string {
  const release = releaseOf(kubernetes);
  return yaml({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    // the scenario says which networks there are; kube-proxy runs as a process, as on bare nodes
    networking: { disableDefaultCNI: true, kubeProxyMode: 'none', podSubnet: PODS, serviceSubnet: SERVICES },
    kubeadmConfigPatches: [
      {
        kind: 'ClusterConfiguration',
        etcd: { external: { endpoints: [ETCD] } },
        controllerManager: {
          extraArgs: argsOf(release, {
            ...QUICK,
            'allocate-node-cidrs': 'false', // the conflists of the nodes say what their subnets are
            'flex-volume-plugin-dir': '/var/lib/kubelet/volume-plugins', // /usr is read-only
          }),
        },
        scheduler: { extraArgs: argsOf(release, QUICK) },
      },
      {
        kind: 'KubeletConfiguration',
        cgroupDriver: 'cgroupfs',
        cgroupRoot: '',
        ...(release.refusesCgroupV1 ? { failCgroupV1: false } : {}),
        nodeStatusUpdateFrequency: '1s',
      },
    ].map((patch) => JSON.stringify(patch)),
    nodes: members.map(({ name, socket }, index) => {
      const nodeRegistration = {
        name,
        criSocket: `unix://${socket}`,
        // a list of v1beta4 would be in place of kind's own, and there is no such flag then
        ...(release.acceptsSandboxImage && {
          kubeletExtraArgs: { 'pod-infra-container-image': SANDBOX_IMAGE },
        }),
      };
      const patch =
        index === 0
          ? {
              kind: 'InitConfiguration',
              // without it, kubeadm 1.24 adds the taint of master too, which bare nodes do not have
              nodeRegistration: { ...nodeRegistration, taints: [CONTROL_PLANE_TAINT] },
              patches: { directory: PATCHES },
              skipPhases: ['preflight', 'addon/coredns', 'addon/kube-proxy'],
            }
          : { kind: 'JoinConfiguration', nodeRegistration };
      return {
        role: index === 0 ? 'control-plane' : 'worker',
        image,
        extraMounts: [
          { hostPath: artifacts.engineHostPath, containerPath: artifacts.nodePath, readOnly: true },
        ],
        kubeadmConfigPatches: [JSON.stringify(patch)],
      };
    }),
  });
}

/** In v1beta4, flags are a list, as a flag can be given twice. */
const argsOf = (
  { kindWritesKubeadmV1beta4 }: KubernetesRelease,
  args: Readonly<Record<string, string>>,
): object =>
  kindWritesKubeadmV1beta4 ? Object.entries(args).map(([name, value]) => ({ name, value })) : args;

/** What kind, kubeadm and kubelet look for on a node. */
export const kindNodeFiles = (version: string): readonly NodeFile[] => [
  KMSG,
  { nodePath: '/kind/version', content: `v${version}` },
];

/**
 * Changes of the static pods of the control plane. Their programs are those of the node, in the lab's image, so no image of them
 * is needed.
 */
export const staticPodPatches: readonly NodeFile[] = STATIC_PODS.map((program) => ({
  nodePath: `${PATCHES}/${program}.json`,
  content: JSON.stringify({
    spec: {
      containers: [
        {
          name: program,
          image: APP_IMAGE,
          volumeMounts: [{ name: 'program', mountPath: `/bin/${program}`, readOnly: true }],
        },
      ],
      volumes: [{ name: 'program', hostPath: { path: `/usr/local/bin/${program}`, type: 'File' } }],
    },
  }),
}));

/** The command of a kubelet that has joined, from the file with its flags. images/kind-node/kubelet.service starts the same. */
export const joinedKubeletArgv = (flags: string): readonly string[] => [
  'kubelet',
  '--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf',
  '--kubeconfig=/etc/kubernetes/kubelet.conf',
  '--config=/var/lib/kubelet/config.yaml',
  ...(/^KUBELET_KUBEADM_ARGS="?([^"\n]*)"?$/m.exec(flags)?.[1] ?? '')
    .split(' ')
    .filter((flag) => flag !== ''),
];
