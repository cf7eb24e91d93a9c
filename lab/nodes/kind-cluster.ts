import type { Artifact } from '../artifacts/artifact.ts';
import type { NodeGroup } from './group.ts';

/** What kind makes a cluster from. */
export interface KindClusterOptions {
  /** the start of the names of its nodes; unique on this host */
  readonly name: string;
  readonly kind: Artifact;
  /** what its nodes will `provide`; it is there before kind starts, which waits only 30 s for a node */
  readonly artifacts: readonly Artifact[];
  /** The configuration of kind, as a file has it. */
  readonly config: (parts: KindNodeParts) => string;
  /** for the files of kind: its configuration, a kubeconfig, logs; created if it is missing */
  readonly folderHostPath: string;
  /** ends kind immediately, at any time */
  readonly signal: AbortSignal;
}

/** What the containers of a cluster are made of. */
export interface KindNodeParts {
  /** the image of nodes, in the container engine */
  readonly image: string;
  /** the folder of artifacts on the machine of the container engine, and on each node */
  readonly artifacts: { readonly engineHostPath: string; readonly nodePath: string };
}

/**
 * A cluster that kind makes. kind starts a container for each node and waits. The lab puts the versions of the scenario
 * in place, and then kind starts Kubernetes.
 */
export interface KindCluster extends NodeGroup {
  /** of a node that has been started, in the network of the cluster */
  addressOf(name: string): string;
  /**
   * Lets kind go on, and waits for its end. Returns how long `kind create cluster` took in all. Throws LabError with
   * what kind said.
   */
  create(): Promise<number>;
  /** Runs `kind export logs` into the folder of the cluster. Throws LabError. */
  exportLogs(): Promise<void>;
}
