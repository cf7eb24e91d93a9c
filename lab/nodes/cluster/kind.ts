import type { KindCluster } from '../kind-cluster.ts';
import { installPrograms } from '../provision.ts';
import {
  clusterWork,
  hasEnded,
  printedKubeconfig,
  setRoutes,
  type Cluster,
  type ClusterMember,
  type ClusterOptions,
} from './cluster.ts';
import {
  joinedKubeletArgv,
  KIND_KUBEADM_CONFIG,
  KIND_LINK,
  kindNodeFiles,
  KUBELET_FLAGS,
  staticPodPatches,
} from './kind-files.ts';
import {
  ADMIN_CONFIG,
  etcdArgv,
  KUBERNETES,
  kubeconfigOf,
  kubeProxyArgv,
  kubeProxyFile,
} from './kubernetes-files.ts';

/**
 * Lets kind start Kubernetes on its nodes, whose runtimes answer, and waits until each is Ready. Throws LabError with
 * what did not come up, and what it said.
 */
export async function startKindCluster(options: ClusterOptions, kind: KindCluster): Promise<Cluster> {
  const { kubernetes, etcd, nodes, onPart } = options;
  const address = (number: number) => kind.addressOf(nodes[number - 1]?.node.name ?? '');
  const { members, controlPlane, start, timed, untilApiServer, untilReady, clusterOf } = clusterWork(
    options,
    address,
  );

  await Promise.all([
    ...members.map(async ({ node }) => {
      await installPrograms(node, kubernetes);
      await node.writeFiles(kindNodeFiles(kubernetes.version));
    }),
    installPrograms(controlPlane.node, etcd).then(() => start(controlPlane, etcdArgv)),
    controlPlane.node.writeFiles(staticPodPatches),
  ]);
  onPart({ part: 'kind create cluster', ms: await kind.create() });

  /** Goes on with the kubelet that runs, or starts it again. */
  const startKubelet = async (member: ClusterMember): Promise<void> => {
    const flags = await member.node.readFile(KUBELET_FLAGS);
    await start(member, joinedKubeletArgv(flags), { service: true });
  };
  await timed('nodes', async () => {
    const { node } = controlPlane;
    const admin = await node.readFile(`${KUBERNETES}/admin.conf`);
    await node.writeFiles([{ nodePath: ADMIN_CONFIG, content: admin, mode: 0o600 }]);
    const argv = kubeconfigOf('system:kube-proxy', [], KIND_KUBEADM_CONFIG);
    const proxy = await printedKubeconfig(node, argv);
    await Promise.all(
      members.map(async (member) => {
        await member.node.writeFiles([
          kubeProxyFile(member),
          { nodePath: `${KUBERNETES}/kube-proxy.conf`, content: proxy },
        ]);
        await setRoutes(member, { members, link: KIND_LINK });
        await startKubelet(member);
        await start(member, kubeProxyArgv);
      }),
    );
    await untilReady();
  });
  return clusterOf(async (member) => {
    await setRoutes(member, { members, link: KIND_LINK });
    // the kubelet starts what runs in static pods
    for (const argv of [...(member === controlPlane ? [etcdArgv] : []), kubeProxyArgv])
      if (hasEnded(member, argv)) await start(member, argv);
    await startKubelet(member);
    if (member === controlPlane) await untilApiServer();
  });
}
