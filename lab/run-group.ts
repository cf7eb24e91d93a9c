import type { Artifact } from './artifacts/artifact.ts';
import type { ComponentRef } from './core/components.ts';
import { LabError, type CleanupStack } from './core/lab-error.ts';
import type { Runtimes } from './core/runtime.ts';
import { artifactsFor, type NodeParts } from './nodes/bring-up.ts';
import { startCluster, type Cluster, type ClusterOptions } from './nodes/cluster/cluster.ts';
import { startKindCluster } from './nodes/cluster/kind.ts';
import { kindConfig, whyNotKind } from './nodes/cluster/kind-files.ts';
import type { NodeGroup } from './nodes/group.ts';
import type { NodeMaker } from './nodes/node.ts';
import { clusterRefs, nodeRuns, type NodeRun, type RunPlan } from './plan/plan.ts';

/** What the nodes of a run are started in: a network if there are several, or a cluster that kind makes. */
export interface RunGroup extends NodeGroup {
  /** Starts Kubernetes on all nodes, whose runtimes answer. Throws LabError with what did not come up. */
  startCluster(options: ClusterOptions): Promise<Cluster>;
  /** Writes logs for people, on which no verdict depends, into the folder of the run. Throws LabError. */
  exportLogs?(): Promise<void>;
}

export interface RunGroupOptions {
  readonly run: RunPlan;
  /** the name of the node, or the start of the names of several; unique on this host */
  readonly nodeName: string;
  readonly maker: NodeMaker;
  readonly runtimes: Runtimes;
  readonly artifact: (ref: ComponentRef) => Artifact;
  /** what makes the clusters, on a backend whose clusters kind makes */
  readonly kind: ComponentRef;
  readonly outputHostPath: string;
  /** of all nodes */
  readonly parts: readonly NodeParts[];
  readonly cleanup: CleanupStack;
  readonly signal: AbortSignal;
}

/** Prepares for the nodes of a run, before any of them is started. */
export async function startGroup(options: RunGroupOptions): Promise<RunGroup> {
  const { run, nodeName, maker, cleanup } = options;
  if (run.nodes.length === 1)
    return { start: (node) => maker.start(node), close: async () => undefined, startCluster };
  const ofKind =
    run.cluster === undefined ? undefined : await kindGroup(options, run.cluster.kubernetes.version);
  if (ofKind !== undefined) return ofKind;
  const group = await maker.group(
    nodeRuns(run).map((own) => ({ name: nameOnHost(nodeName, own), alias: own.name ?? '' })),
  );
  cleanup.add('end the network between the nodes', () => group.close());
  return { ...group, startCluster };
}

/** Undefined on a backend whose clusters the lab itself makes. */
async function kindGroup(options: RunGroupOptions, kubernetes: string): Promise<RunGroup | undefined> {
  const { run, nodeName, maker, runtimes, artifact, kind, outputHostPath, parts, cleanup, signal } = options;
  if (maker.kindCluster === undefined) return undefined;
  const refused = whyNotKind(kind.version, kubernetes);
  if (refused !== undefined) throw new LabError(refused);
  const nodes = nodeRuns(run).map((own) => ({
    ...{ name: nameOnHost(nodeName, own), alias: own.name ?? '' },
    socket: runtimes[own.node.runtime.component].traits.socket,
  }));
  const members = nodes.map(({ alias, socket }) => ({ name: alias, socket }));
  const cluster = await maker.kindCluster(nodes, {
    ...{ name: nodeName, kind: artifact(kind), folderHostPath: outputHostPath, signal },
    artifacts: parts.flatMap(artifactsFor),
    config: (made) => kindConfig(members, { ...made, kubernetes }),
  });
  cleanup.add('end the cluster of kind', () => cluster.close());
  return {
    start: (node) => cluster.start(node),
    close: () => cluster.close(),
    startCluster: (options) => startKindCluster(options, cluster),
    exportLogs: () => cluster.exportLogs(),
  };
}

/** What a cluster is made of beside its nodes, with what makes it; nothing for a run without one. */
export const artifactsOfCluster = ({
  run,
  maker,
  kind,
  artifact,
}: Pick<RunGroupOptions, 'run' | 'maker' | 'kind' | 'artifact'>): readonly Artifact[] =>
  [...clusterRefs(run), ...(run.cluster === undefined || maker.kindCluster === undefined ? [] : [kind])].map(
    artifact,
  );

export const nameOnHost = (nodeName: string, { name }: Pick<NodeRun, 'name'>): string =>
  name === undefined ? nodeName : `${nodeName}-${name}`;
