/**
 * Everything on a node that a pod could leave behind, as one look saw it. A kind that could not be looked at is in
 * `unseen` with the reason, and its list is empty: callers that care must ask `unseen` first.
 */
export interface NodeState {
  readonly items: readonly StateItem[];
  readonly unseen: readonly { readonly kind: StateKind; readonly why: string }[];
}

export const STATE_KINDS = [
  'netns', // a file in /run/netns: its name
  'netns-mount', // an nsfs mount: its mount point
  'veth', // a veth end in the node's own network namespace: its name
  'bridge', // a bridge device: its name
  'bridge-port', // a link that is enslaved to a bridge: bridge/link
  'link', // any other network device but lo: its name
  'ipam', // a host-local reservation: network/address
  'ipam-state', // what host-local keeps on purpose: network/last_reserved_ip.0, network/lock
  'cni-result', // a file in /var/lib/cni/results or /var/lib/cni/cache/results: its name
  'iptables', // a rule or a user chain, as iptables-save (both families) prints it: `ip nat -A CNI-… …`, `ip6 nat -N CNI-…`
  'nft', // a rule, chain or table of nftables that iptables-nft did not make: `ip cni_hostport chain … rule …`
  'mount', // any other mount, below the paths that containerd and runc use: its mount point
  'shim', // a containerd-shim process: `containerd-shim-runc-v2 -id <id>`
  'process', // any other process but the lab's own and containerd: its command line
  'sandbox', // a pod sandbox that CRI lists: its id
  'container', // a container that CRI lists: its id
] as const;
export type StateKind = (typeof STATE_KINDS)[number];

export interface StateItem {
  readonly kind: StateKind;
  /** identifies the thing within its kind, and is what reports show */
  readonly name: string;
  /** what else is known of it, for people and for expectations on pods */
  readonly detail?: Readonly<Record<string, string>>;
}

/** What one node used from its start until now; a figure that this host cannot give is missing. */
export interface NodeUsage {
  readonly cpuMs?: number;
  readonly memoryPeakBytes?: number;
}
