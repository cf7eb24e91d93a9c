import type { StateItem, StateKind } from '../core/node-state.ts';

/**
 * Why an item is one that plugins make once, share between pods and keep on purpose, or undefined where it belongs to
 * one pod and ought to go with it. Only these are left out of what counts as left behind.
 */
export function whyShared({ kind, name }: StateItem): string | undefined {
  switch (kind) {
    case 'bridge':
      return 'the bridge plugin makes the bridge for the first pod and never deletes it';
    case 'ipam-state':
      return "host-local's own bookkeeping: its lock and the address it gave last";
    case 'iptables':
      return SHARED_IPTABLES.find(({ item }) => item.test(name))?.why;
    case 'nft':
      return SHARED_NFT.find(({ item }) => item.test(name))?.why;
    default:
      return undefined;
  }
}

/** Kinds of which every item is shared: nobody needs to see them unless they are asked for. */
export const ALWAYS_SHARED: readonly StateKind[] = ['bridge', 'ipam-state'];
/** Kinds of which some items may be shared. */
export const MAY_BE_SHARED: readonly StateKind[] = [...ALWAYS_SHARED, 'iptables', 'nft'];

interface Rule {
  readonly item: RegExp;
  readonly why: string;
}

/** Items read `ip nat -N CHAIN` and `ip nat -A CHAIN …`. The chains of one pod (CNI-DN-…, CNI-<hash>) are not here. */
const SHARED_IPTABLES: readonly Rule[] = [
  {
    // https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/meta/portmap/portmap.go (genToplevelDnatChain …)
    item: /^ip6? nat -N CNI-HOSTPORT-(?:DNAT|MASQ|SETMARK)$/,
    why: "portmap's top-level chains, made for the first host port",
  },
  {
    item: /^ip6? nat -A (?:PREROUTING|OUTPUT|POSTROUTING) .*-j CNI-HOSTPORT-(?:DNAT|MASQ)$/,
    why: "the jumps to portmap's top-level chains",
  },
  {
    item: /^ip6? nat -A CNI-HOSTPORT-(?:MASQ|SETMARK) /,
    why: "what portmap's mark and masquerade chains hold, the same for all pods",
  },
  {
    // https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/meta/firewall/iptables.go (setupChains)
    item: /^ip6? filter -N CNI-(?:FORWARD|ADMIN)$/,
    why: "the firewall plugin's chains, made for the first pod",
  },
  {
    item: /^ip6? filter -A (?:FORWARD .*-j CNI-FORWARD|CNI-FORWARD .*-j CNI-ADMIN)$/,
    why: "the jumps to the firewall plugin's chains",
  },
  {
    // "So we do not remove the iptable rules that are created per bridge."
    // https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/meta/firewall/ingresspolicy.go
    item: /^ip6? filter (?:-[NA] CNI-ISOLATION-STAGE-[123](?: |$)|-A FORWARD .*-j CNI-ISOLATION-STAGE-1$)/,
    why: "the firewall plugin's ingress policy is made for each bridge and kept",
  },
];

/** Items read `ip TABLE`, `ip TABLE chain NAME`, `ip TABLE chain NAME rule …`. Rules of pods carry a comment that says whose. */
const SHARED_NFT: readonly Rule[] = [
  {
    // https://github.com/containernetworking/plugins/blob/main/plugins/meta/portmap/portmap_nftables.go (forwardPorts)
    item: /^ip6? cni_hostport(?: chain (?:hostports|hostip_hostports|prerouting|output|masquerading))?$/,
    why: "portmap's table and chains, made for the first host port",
  },
  {
    item: /^ip6? cni_hostport chain (?:prerouting|output) rule /,
    why: "the jumps to portmap's chains",
  },
  {
    // https://github.com/containernetworking/plugins/blob/main/pkg/ip/ipmasq_nftables_linux.go
    item: /^inet cni_plugins_masquerade(?: chain (?:masq_checks|postrouting))?$/,
    why: 'the masquerading table and its chains, made for the first pod',
  },
  {
    item: /^inet cni_plugins_masquerade chain postrouting rule /,
    why: 'the jumps to the masquerading checks',
  },
];
