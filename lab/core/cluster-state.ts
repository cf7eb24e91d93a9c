/** The node of the API server, and the first one of a cluster. */
export const CONTROL_PLANE = 'control-plane';

/** What the API server of a cluster says of it, as far as scenarios speak of it. */
export interface ClusterState {
  readonly nodes: readonly ClusterNodeState[];
  /** of all namespaces */
  readonly pods: readonly ClusterPodState[];
  /** of all namespaces, the oldest first */
  readonly events: readonly ClusterEvent[];
}

/** Or why nobody could ask it, and whether that will not change by itself. */
export type ClusterLook = ClusterState | { readonly unseen: string; readonly forGood?: true };

export interface ClusterNodeState {
  readonly name: string;
  /** not cordoned */
  readonly schedulable: boolean;
  /** its Ready condition; `Unknown` when its kubelet does not report any more */
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** as its kubelet has reported it last: `containerd://1.6.4` */
  readonly runtimeVersion: string;
}

export interface ClusterPodState {
  readonly namespace: string;
  readonly name: string;
  /** its label `app` */
  readonly app?: string;
  /** missing: it is not scheduled */
  readonly node?: string;
  /** Pending, Running, Succeeded, Failed or Unknown */
  readonly phase: string;
  readonly ready: boolean;
  /** it has been deleted, and its kubelet has not ended it yet */
  readonly terminating: boolean;
  readonly ip?: string;
}

export interface ClusterEvent {
  /** kind and name of what it is about */
  readonly kind: string;
  readonly name: string;
  /** Normal or Warning */
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}
