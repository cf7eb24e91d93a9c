import type { NodeFile } from '../node.ts';
import { SANDBOX_IMAGE } from '../../core/components.ts';
import type { KubernetesRelease } from './releases.ts';

/** A node of a cluster, as Kubernetes knows it. The first is the control plane and has the number 1. */
export interface Member {
  readonly name: string;
  readonly number: number;
  /** in the network between the nodes */
  readonly address: string;
  /** of its runtime, absolute */
  readonly socket: string;
  readonly release: KubernetesRelease;
}

export const KUBERNETES = '/etc/kubernetes';
const PKI = `${KUBERNETES}/pki`;
/** In the folder of root, where kubectl looks for it by default. */
export const ADMIN_CONFIG = '/root/.kube/config';
const KUBEADM_CONFIG = `${KUBERNETES}/kubeadm.yaml`;
const KUBELET_CONFIG = '/var/lib/kubelet/config.yaml';
const KUBE_PROXY_CONFIG = `${KUBERNETES}/kube-proxy.yaml`;

const API_PORT = 6443;
export const PODS = '10.244.0.0/16';
export const SERVICES = '10.96.0.0/16';
export const ETCD = 'http://127.0.0.1:2379';
const ETCD_PEERS = 'http://127.0.0.1:2380';

/** The addresses of pods on the node with this number; spec/cluster-shape.ts says the same of the default conflist. */
export const podSubnetOf = (number: number): string => `10.244.${number}.0/24`;

export const logOf = (program: string): string => `/var/log/${program}.log`;

export const yaml = (...documents: readonly object[]): string =>
  documents.map((one) => `${JSON.stringify(one, null, 2)}\n`).join('---\n'); // YAML reads JSON

/** What kubeadm makes certificates and kubeconfigs from. etcd is named as an external one, so that it gets none. */
export const kubeadmFile = (version: string, { name, address, socket, release }: Member): NodeFile => ({
  nodePath: KUBEADM_CONFIG,
  content: yaml(
    {
      apiVersion: kubeadmApi(release),
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: address, bindPort: API_PORT },
      nodeRegistration: { name, criSocket: `unix://${socket}` },
    },
    {
      apiVersion: kubeadmApi(release),
      kind: 'ClusterConfiguration',
      kubernetesVersion: `v${version}`,
      controlPlaneEndpoint: `${address}:${API_PORT}`,
      networking: { serviceSubnet: SERVICES, podSubnet: PODS },
      apiServer: { certSANs: ['127.0.0.1', 'control-plane'] },
      etcd: { external: { endpoints: [ETCD] } },
    },
  ),
});

const kubeadmApi = ({ readsKubeadmV1beta4 }: KubernetesRelease): string =>
  `kubeadm.k8s.io/${readsKubeadmV1beta4 ? 'v1beta4' : 'v1beta3'}`;

const KUBEADM = ['kubeadm', 'init', 'phase'];

/** Commands that make all certificates and the kubeconfigs of the control plane. No network is needed. */
export const CERTIFICATES: readonly (readonly string[])[] = [
  [...KUBEADM, 'certs', 'all', '--config', KUBEADM_CONFIG],
  [...KUBEADM, 'kubeconfig', 'all', '--config', KUBEADM_CONFIG],
];

/** Gives the user in admin.conf its role, as `kubeadm init` does it. */
export const adminRoleArgv: readonly string[] = [
  ...['kubectl', '--kubeconfig', `${KUBERNETES}/super-admin.conf`],
  ...['create', 'clusterrolebinding', 'kubeadm:cluster-admins'],
  ...['--clusterrole=cluster-admin', '--group=kubeadm:cluster-admins'],
];

/** Prints a kubeconfig for a client of this name. */
export const kubeconfigOf = (
  client: string,
  organization: readonly string[] = [],
  config = KUBEADM_CONFIG,
): readonly string[] => [
  ...['kubeadm', 'kubeconfig', 'user', '--config', config, '--client-name', client],
  ...organization.flatMap((org) => ['--org', org]),
];

/** The programs of the control plane beside its kubelet, in the order of their start. */
export const etcdArgv: readonly string[] = [
  ...['etcd', '--data-dir', '/var/lib/etcd', '--unsafe-no-fsync'],
  ...['--listen-client-urls', ETCD, '--advertise-client-urls', ETCD],
  ...['--listen-peer-urls', ETCD_PEERS, '--initial-advertise-peer-urls', ETCD_PEERS],
  ...['--initial-cluster', `default=${ETCD_PEERS}`],
];

export const apiServerArgv = ({ address }: Member): readonly string[] => [
  'kube-apiserver',
  `--advertise-address=${address}`,
  `--secure-port=${API_PORT}`,
  '--allow-privileged=true',
  '--authorization-mode=Node,RBAC',
  '--enable-admission-plugins=NodeRestriction',
  `--client-ca-file=${PKI}/ca.crt`,
  `--tls-cert-file=${PKI}/apiserver.crt`,
  `--tls-private-key-file=${PKI}/apiserver.key`,
  `--kubelet-client-certificate=${PKI}/apiserver-kubelet-client.crt`,
  `--kubelet-client-key=${PKI}/apiserver-kubelet-client.key`,
  '--kubelet-preferred-address-types=InternalIP',
  '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
  `--service-account-key-file=${PKI}/sa.pub`,
  `--service-account-signing-key-file=${PKI}/sa.key`,
  `--service-cluster-ip-range=${SERVICES}`,
  `--etcd-servers=${ETCD}`,
];

/** Those that workloads need. The others are for clouds and for more of volumes, and cost 3 s of a start. */
const CONTROLLERS = [
  ...['deployment', 'replicaset', 'daemonset', 'statefulset', 'job', 'disruption', 'podgc'],
  ...['endpoint', 'endpointslice', 'namespace', 'serviceaccount', 'root-ca-cert-publisher'],
  ...['nodelifecycle', 'garbagecollector', 'persistentvolume-binder'],
];

export const controllerManagerArgv = ({ release }: Pick<Member, 'release'>): readonly string[] => [
  'kube-controller-manager',
  `--kubeconfig=${KUBERNETES}/controller-manager.conf`,
  '--leader-elect=false',
  `--controllers=${[...CONTROLLERS, ...(release.hasTaintEviction ? ['taint-eviction-controller'] : [])].join(',')}`,
  `--root-ca-file=${PKI}/ca.crt`,
  `--service-account-private-key-file=${PKI}/sa.key`,
  '--use-service-account-credentials=true',
  '--kube-api-qps=500',
  '--kube-api-burst=1000',
];

export const schedulerArgv: readonly string[] = [
  'kube-scheduler',
  `--kubeconfig=${KUBERNETES}/scheduler.conf`,
  '--leader-elect=false',
  '--kube-api-qps=500',
  '--kube-api-burst=1000',
];

export const readyArgv: readonly string[] = ['kubectl', 'get', '--raw', '/readyz'];

/** kubelet wants to read it, and a node has none. */
export const KMSG: NodeFile = { nodePath: '/dev/kmsg', linkTo: '/dev/null' };

/** Files of a node that joins, beside its kubeconfigs. */
export const nodeFiles = (member: Member): readonly NodeFile[] => [
  KMSG,
  {
    nodePath: KUBELET_CONFIG,
    content: yaml({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: `${PKI}/ca.crt` },
      },
      authorization: { mode: 'Webhook' },
      cgroupDriver: 'cgroupfs',
      clusterDNS: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      failSwapOn: false,
      ...(member.release.refusesCgroupV1 ? { failCgroupV1: false } : {}),
      // the disk of the host is none of the cluster's business
      evictionHard: { 'imagefs.available': '0%', 'nodefs.available': '0%', 'nodefs.inodesFree': '0%' },
      imageGCHighThresholdPercent: 100,
      // a node is Ready within a second of its network, not ten
      nodeStatusUpdateFrequency: '1s',
    }),
  },
  kubeProxyFile(member),
];

export const kubeProxyFile = ({ name }: Pick<Member, 'name'>): NodeFile => ({
  nodePath: KUBE_PROXY_CONFIG,
  content: yaml({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: `${KUBERNETES}/kube-proxy.conf` },
    clusterCIDR: PODS,
    hostnameOverride: name,
    mode: 'iptables',
    // the limits of the kernel's table are not a node's to set
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  }),
});

export const kubeletArgv = ({ name, number, address, socket, release }: Member): readonly string[] => [
  'kubelet',
  `--kubeconfig=${KUBERNETES}/kubelet.conf`,
  `--config=${KUBELET_CONFIG}`,
  ...(release.hasDockershim ? ['--container-runtime=remote'] : []),
  `--container-runtime-endpoint=unix://${socket}`,
  `--hostname-override=${name}`,
  `--node-ip=${address}`,
  ...(release.acceptsSandboxImage ? [`--pod-infra-container-image=${SANDBOX_IMAGE}`] : []),
  ...(number === 1 ? ['--register-with-taints=node-role.kubernetes.io/control-plane=:NoSchedule'] : []),
];

export const kubeProxyArgv: readonly string[] = ['kube-proxy', `--config=${KUBE_PROXY_CONFIG}`];

/** The commands of all programs of a node, in the order in which they can be started again. */
export const programsOf = (member: Member): readonly (readonly string[])[] => [
  ...(member.number === 1
    ? [etcdArgv, apiServerArgv(member), controllerManagerArgv(member), schedulerArgv]
    : []),
  ...[kubeletArgv(member), kubeProxyArgv],
];

/** A route on one node to the pods of another. */
export const routeArgv = ({ number, address }: Member): readonly string[] => [
  ...['ip', 'route', 'replace', podSubnetOf(number), 'via', address],
];

/** A node has no default route. kube-proxy changes the address of a Service only in what has a route already. */
export const serviceRouteArgv = (link: string): readonly string[] => [
  ...['ip', 'route', 'replace', SERVICES, 'dev', link],
];
