import { present, object } from './object-shape.ts';
import { completeNode, nodePartsShape, hasRuntime } from './node-shape.ts';
import { CONTROL_PLANE } from '../core/cluster-state.ts';
import { RUNTIMES } from '../core/components.ts';
import { LIMITS } from './limits.ts';
import type { ClusterSpec, FileSpec, NamedNode } from './scenario.ts';
import { wholeNumber } from './scalar-shapes.ts';
import { about, mapOf, type Shape } from './shape.ts';
import { nameShape, versionShape } from './text-shapes.ts';
import type { Place } from './diagnostic.ts';

/** A cluster as a file describes it: what it is, and its nodes. */
export interface ClusterWithNodes {
  readonly cluster: ClusterSpec;
  readonly nodes: readonly NamedNode[];
}

const nodeNames = (workers: number): readonly string[] => [
  CONTROL_PLANE,
  ...Array.from({ length: workers }, (_, index) => `worker-${index + 1}`),
];

/** The addresses of pods on each node: the control plane has 10.244.1.0/24, worker-1 has 10.244.2.0/24. */
export const podSubnetOf = (index: number): string => `10.244.${index + 1}.0/24`;

/** What the lab puts into /etc/cni/net.d of a node of a cluster that names no configuration itself. */
export const DEFAULT_CONFLIST = '10-cnilab.conflist';

const clusterKeys = {
  required: {
    kubernetes: about('the version of Kubernetes, on all of its nodes', versionShape),
    workers: about(
      'how many nodes it has beside control-plane: worker-1, worker-2, …',
      wholeNumber({ min: 1, max: LIMITS.nodes - 1 }),
    ),
    node: about('what each node is made of, as in a scenario with one node', nodePartsShape),
  },
  optional: {
    etcd: about('default: the one that belongs to this version of Kubernetes', versionShape),
    nodes: about(
      'what is different on one of the nodes: these keys replace those of "node"',
      mapOf(nodePartsShape, {
        key: (_name, spot) => void nameShape.read(spot),
        build: (parts, name, key) => ({ name, parts, key }),
      }),
    ),
  },
};

const wholeCluster = object(clusterKeys, ({ kubernetes, workers, node, etcd, nodes = [] }, spot) => {
  const names = nodeNames(workers);
  for (const { name, key } of nodes)
    if (!names.includes(name)) key.mistake(`the cluster has no node "${name}"; it has ${names.join(', ')}`);
  const of = spot.entries.find(({ name }) => name === 'node')?.value ?? spot;
  if (!hasRuntime(of, RUNTIMES)) return undefined;
  const built = names.map((name, index): NamedNode | undefined => {
    const parts = {
      cniConfig: [defaultConflist(podSubnetOf(index), spot.place)],
      ...node,
      ...nodes.find((one) => one.name === name)?.parts,
    };
    const spec = completeNode(parts, spot.place);
    return spec === undefined ? undefined : { name, ...spec };
  });
  const { place } = spot;
  return {
    cluster: { place, kubernetes, ...present({ etcd }), workers: names.slice(1) },
    nodes: built.filter((one) => one !== undefined),
  };
});

/** `cluster`: nodes with Kubernetes on them, and a network between them. */
export const clusterShape: Shape<ClusterWithNodes> = {
  ...wholeCluster,
  read: (spot) => {
    const workers = spot.kind === 'mapping' ? spot.entries.find(({ name }) => name === 'workers') : undefined;
    const count = Number(workers?.value.scalar ?? 0);
    spot.mention({ kind: 'nodes', names: nodeNames(isCount(count) ? count : 1) });
    spot.mention({ kind: 'cluster' });
    return wholeCluster.read(spot);
  },
};

const isCount = (count: number): boolean => Number.isInteger(count) && count > 0 && count < LIMITS.nodes;

/** A node needs a network for its pods before it is Ready, and each has a subnet of its own. */
function defaultConflist(subnet: string, place: Place): FileSpec {
  const conflist = {
    cniVersion: '0.4.0',
    name: 'cnilab',
    plugins: [
      {
        ...{ type: 'bridge', bridge: 'cni0', isGateway: true, hairpinMode: true },
        ipam: { type: 'host-local', ranges: [[{ subnet }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return { name: DEFAULT_CONFLIST, content: `${JSON.stringify(conflist, null, 2)}\n`, place };
}
