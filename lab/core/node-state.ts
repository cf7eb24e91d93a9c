/** How the runtime of a node is: its process is there and CRI answers; it is there and CRI does not answer; it is gone. */
export const RUNTIME_STATES = ['running', 'not-ready', 'ended'] as const;
export type RuntimeState = (typeof RUNTIME_STATES)[number];

/** How a pod's sandbox is to CRI; `absent`: CRI does not list it. */
export type PodState = 'ready' | 'not-ready' | 'absent';

/** How a container is to CRI; `absent`: CRI does not list it. */
export const CONTAINER_STATES = ['created', 'running', 'exited', 'unknown', 'absent'] as const;
export type ContainerState = (typeof CONTAINER_STATES)[number];

/**
 * Everything on a node that a pod could leave behind, as one look saw it. A kind that could not be looked at is in
 * `unseen` with the reason, and its list is empty: callers that care must ask `unseen` first.
 */
export interface NodeState {
  readonly items: readonly StateItem[];
  readonly unseen: readonly { readonly kind: StateKind; readonly why: string }[];
  /** the texts of all network configurations that were on the node until then: what their plugins share is known by them */
  readonly conflists?: readonly string[];
  /** CRI's NetworkReady; only where a scenario speaks of it, as a runtime may call plugins to answer */
  readonly network?: NetworkCondition | { readonly unseen: string };
}

/** CRI's NetworkReady condition, as its Status call has it. */
export interface NetworkCondition {
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
}

export const STATE_KINDS = [
  'netns', // a file in /run/netns: its name
  'netns-mount', // an nsfs mount: its mount point
  'veth', // a veth end in the node's own network namespace: its name
  'bridge', // a bridge device: its name
  'bridge-port', // a link that is enslaved to a bridge: bridge/link
  'link', // any other network device but lo: its name
  'address', // an address of a device that has been there from the start, or of a bridge: `10.88.0.1/16 dev cni0`
  'route', // a route of any table but those that the kernel keeps for an address: `10.99.0.0/16 table 100 dev lo`
  'rule', // a rule that chooses a table of routes, as `ip rule` prints it: `32765: from 10.88.0.7 lookup 100`
  'neighbour', // an entry that somebody made by hand, a proxy too: `10.88.0.8 lladdr 02:00:00:00:00:01 dev lo`
  'qdisc', // a queueing discipline that is not the kernel's own: `tbf root dev lo`
  'xfrm', // a policy or a state of IPsec: `policy out from 10.9.0.0/24 to 10.9.1.0/24`
  'sysctl', // a value below /proc/sys/net that is not as at the start: `net.ipv4.ip_forward = 1`
  'conntrack', // a tracked flow that is led to another address: `udp 10.88.0.2:40000 to 10.88.0.1:8125 at 10.88.0.3:8125`
  'ipam', // a host-local reservation: network/address
  'ipam-state', // what host-local keeps on purpose: network/last_reserved_ip.0, network/lock
  'cni-result', // a file in /var/lib/cni/results or /var/lib/cni/cache/results: its name
  'file', // any other file in the places and the configured folders where plugins write: its path
  'iptables', // a rule, a user chain, or the policy of another if it is not ACCEPT: `ip nat -A CNI-… …`, `ip6 nat -N CNI-…`
  'nft', // a rule, chain or table of nftables that iptables-nft did not make: `ip cni_hostport chain … rule …`
  'mount', // any other mount, below the paths that the runtime and runc use: its mount point
  'cgroup', // a group that no process is in, in any hierarchy: its path below the node's own group
  'shim', // what watches a pod or a container for the runtime: `containerd-shim-runc-v2 -id <id>`
  'process', // any other process but the lab's own and the runtime: its command line
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
  /** the last lines of the log of a container, as the runtime wrote them */
  readonly log?: readonly string[];
}

/** The container that was created last under this name. */
export function newestContainer(name: string, { items }: Pick<NodeState, 'items'>): StateItem | undefined {
  const createdAt = ({ detail }: StateItem) => BigInt(detail?.['createdAt'] ?? 0);
  return items
    .filter(({ kind, detail }) => kind === 'container' && detail?.['name'] === name)
    .reduce<StateItem | undefined>(
      (newest, one) => (newest === undefined || createdAt(one) > createdAt(newest) ? one : newest),
      undefined,
    );
}

/** What one node used from its start until now; a figure that this host cannot give is missing. */
export interface NodeUsage {
  readonly cpuMs?: number;
  readonly memoryPeakBytes?: number;
}

/** Whether the lab's seccomp filter is on all that runs on a node; never in a virtual machine. */
export const SYSTEM_CALLS = ['filtered', 'unfiltered'] as const;
export type SystemCalls = (typeof SYSTEM_CALLS)[number];

/** What a node may take of its host. What is missing has the lab's default. */
export interface NodeLimits {
  /** of all its processes together, with what its file systems hold */
  readonly memoryBytes?: number;
  readonly processes?: number;
  /** of each of its file systems, which are all in memory */
  readonly tmpfsBytes?: number;
}
