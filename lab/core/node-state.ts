/**
 * State of the runtime on a node. `running`: its process exists and CRI answers. `not-ready`: its process exists but
 * CRI does not answer. `ended`: there is no process.
 */
export const RUNTIME_STATES = ['running', 'not-ready', 'ended'] as const;
export type RuntimeState = (typeof RUNTIME_STATES)[number];

/** State of a pod sandbox according to CRI. `absent`: CRI does not list it. */
export type PodState = 'ready' | 'not-ready' | 'absent';

/** State of a container according to CRI. `absent`: CRI does not list it. */
export const CONTAINER_STATES = ['created', 'running', 'exited', 'unknown', 'absent'] as const;
export type ContainerState = (typeof CONTAINER_STATES)[number];

/**
 * Everything on a node that a pod could leave behind, at the time of one look. If a kind could not be looked at,
 * `unseen` has the reason and its list is empty. So callers must check `unseen` first.
 */
export interface NodeState {
  readonly items: readonly StateItem[];
  readonly unseen: readonly { readonly kind: StateKind; readonly why: string }[];
  /** the texts of all network configurations that the node had until then; they show what the plugins share */
  readonly conflists?: readonly string[];
  /** NetworkReady of CRI; only set if a scenario uses it, because a runtime may call plugins to answer */
  readonly network?: NetworkCondition | { readonly unseen: string };
}

/** The NetworkReady condition in the answer to the CRI call Status. */
export interface NetworkCondition {
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
}

export const STATE_KINDS = [
  'netns', // the name of a file in /run/netns
  'netns-mount', // the mount point of an nsfs mount
  'veth', // the name of a veth end in the network namespace of the node
  'bridge', // the name of a bridge device
  'bridge-port', // a link that is attached to a bridge: bridge/link
  'link', // the name of any other network device except lo
  'address', // an address of a bridge, or of a device that existed at the start: `10.88.0.1/16 dev cni0`
  'route', // a route in any table, except those that the kernel adds for an address: `10.99.0.0/16 table 100 dev lo`
  'rule', // a policy routing rule, as `ip rule` prints it: `32765: from 10.88.0.7 lookup 100`
  // a neighbour entry that was added manually, including a proxy entry: `10.88.0.8 lladdr 02:00:00:00:00:01 dev lo`
  'neighbour',
  'qdisc', // a queueing discipline that is not the default of the kernel: `tbf root dev lo`
  'xfrm', // an IPsec policy or state: `policy out from 10.9.0.0/24 to 10.9.1.0/24`
  'sysctl', // a value below /proc/sys/net that differs from the start: `net.ipv4.ip_forward = 1`
  'conntrack', // a tracked flow with address translation: `udp 10.88.0.2:40000 to 10.88.0.1:8125 at 10.88.0.3:8125`
  'ipam', // a reservation of host-local: network/address
  'ipam-state', // a file that host-local keeps on purpose: network/last_reserved_ip.0, network/lock
  'cni-result', // the name of a file in /var/lib/cni/results or /var/lib/cni/cache/results
  'file', // the path of any other file in the directories that plugins write to, including configured ones
  // a rule, a user chain, or the policy of a built-in chain if it is not ACCEPT: `ip nat -A CNI-… …`, `ip6 nat -N CNI-…`
  'iptables',
  'nft', // a rule, chain or table of nftables that iptables-nft did not create: `ip cni_hostport chain … rule …`
  'mount', // the mount point of any other mount below the paths that the runtime and runc use
  'cgroup', // a cgroup without processes, in any hierarchy: its path below the cgroup of the node
  'shim', // a process that monitors a pod or a container for the runtime: `containerd-shim-runc-v2 -id <id>`
  'process', // the command line of any other process except those of the lab and the runtime
  'sandbox', // the id of a pod sandbox that CRI lists
  'container', // the id of a container that CRI lists
] as const;
export type StateKind = (typeof STATE_KINDS)[number];

export interface StateItem {
  readonly kind: StateKind;
  /** identifies the item within its kind; shown in reports */
  readonly name: string;
  /** further information, for people and for expectations on pods */
  readonly detail?: Readonly<Record<string, string>>;
  /** the last lines of the container log, as the runtime wrote them */
  readonly log?: readonly string[];
}

/** The most recently created container with this name. */
export function newestContainer(name: string, { items }: Pick<NodeState, 'items'>): StateItem | undefined {
  const createdAt = ({ detail }: StateItem) => BigInt(detail?.['createdAt'] ?? 0);
  return items
    .filter(({ kind, detail }) => kind === 'container' && detail?.['name'] === name)
    .reduce<StateItem | undefined>(
      (newest, one) => (newest === undefined || createdAt(one) > createdAt(newest) ? one : newest),
      undefined,
    );
}

/** What one node has used since its start. A figure that this host cannot measure is missing. */
export interface NodeUsage {
  readonly cpuMs?: number;
  readonly memoryPeakBytes?: number;
}

/** Whether all processes of a node run with the seccomp filter of the lab. A virtual machine is never filtered. */
export const SYSTEM_CALLS = ['filtered', 'unfiltered'] as const;
export type SystemCalls = (typeof SYSTEM_CALLS)[number];

/** How much of its host a node may use. A missing limit has the default of the lab. */
export interface NodeLimits {
  /** of all its processes and the content of its file systems together */
  readonly memoryBytes?: number;
  readonly processes?: number;
  /** of each file system; all of them are in memory */
  readonly tmpfsBytes?: number;
}
