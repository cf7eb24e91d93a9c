import type { StateItem, StateKind } from '../core/node-state.ts';
import { STANDARD_PLUGINS } from '../spec/node-shape.ts';
import type { JsonObject, JsonValue } from '../core/content.ts';
import {
  firstAddress,
  parseIp,
  parsePrefix,
  type IpAddress,
  pluginsOfType,
  type Networks,
} from './networks.ts';

/**
 * Why an item counts as shared: the plugins of these networks create it once, share it between pods and keep it on
 * purpose. Undefined if that is not known. Only these items do not count as left behind, and only in exactly the form
 * in which the plugins create them. A rule for one pod in a shared chain belongs to that pod.
 */
export function whyShared({ kind, name, detail }: StateItem, networks: Networks): string | undefined {
  switch (kind) {
    case 'bridge':
      return networks.bridges.includes(name)
        ? 'the bridge plugin makes the bridge for the first pod and never deletes it'
        : undefined;
    case 'ipam-state':
      return "host-local's own bookkeeping: its lock and the address it gave last";
    case 'address':
      return isGateway({ name, device: detail?.['device'] }, networks)
        ? "the gateway's address, which the bridge keeps"
        : undefined;
    case 'sysctl':
      return sysctlsOf(networks).find(({ item }) => item.test(name))?.why;
    case 'iptables':
      return iptablesOf(networks).find(({ item }) => item.test(name))?.why;
    case 'nft':
      return nftOf(networks).find(({ item }) => item.test(name))?.why;
    case 'cgroup':
      return OF_A_CONTAINER.test(name)
        ? "a container's own group, which stays where its shim was killed, until the node restarts"
        : undefined;
    default:
      return undefined;
  }
}

const OF_A_CONTAINER = /\/(?:[\w.-]+[-:])?[0-9a-f]{64}(?:\.scope)?$/;

/** Kinds whose items are all shared. They only have to be seen if an expectation names them. */
export const ALWAYS_SHARED: readonly StateKind[] = ['ipam-state'];
/** Kinds whose shared items are also counted under the kind itself if a file names it. */
export const WHOLLY_SHARED: readonly StateKind[] = ['bridge', 'ipam-state', 'cgroup'];
/**
 * Kinds whose shared items count as `shared` if a file names that. Shared items of other kinds are created together
 * with these and never count.
 */
export const MAY_BE_SHARED: readonly StateKind[] = ['bridge', 'ipam-state', 'iptables', 'nft'];

interface Rule {
  readonly item: RegExp;
  readonly why: string;
}

/** https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/main/bridge/bridge.go (calcGateways, ensureAddr) */
function isGateway(
  { name, device }: { readonly name: string; readonly device: string | undefined },
  networks: Networks,
): boolean {
  const address = parsePrefix(name.split(' ')[0] ?? '');
  if (device === undefined || address === undefined) return false;
  return networks.plugins.some((plugin) => {
    const { type, bridge, isGateway: gateway, isDefaultGateway, ipam } = plugin;
    const named =
      typeof bridge === 'string' && bridge !== '' ? bridge : type === 'bridge' ? 'cni0' : undefined;
    if (named !== device) return false;
    if (type !== 'bridge') return true; // it is not known what this plugin does
    if (gateway !== true && isDefaultGateway !== true) return false;
    if (!isObject(ipam) || (ipam['type'] !== 'host-local' && ipam['type'] !== 'static')) return true;
    return gatewaysOf(ipam).some(
      ({ ip, length }) => ip.bits === address.bits && ip.value === address.value && length === address.length,
    );
  });
}

/**
 * A range, or an address of the static plugin. Both have a gateway. The default of host-local is the first address of
 * the subnet.
 */
function gatewaysOf(value: unknown): readonly { readonly ip: IpAddress; readonly length: number }[] {
  if (Array.isArray(value)) return value.flatMap(gatewaysOf);
  if (!isObject(value)) return [];
  const { subnet, address, gateway } = value;
  const prefix = parsePrefix(
    typeof subnet === 'string' ? subnet : typeof address === 'string' ? address : '',
  );
  const own = typeof gateway === 'string' ? parseIp(gateway) : undefined;
  const ip = own ?? (prefix !== undefined && typeof subnet === 'string' ? firstAddress(prefix) : undefined);
  return [
    ...(prefix === undefined || ip === undefined ? [] : [{ ip, length: prefix.length }]),
    ...Object.values(value).flatMap(gatewaysOf),
  ];
}

/** Two of the standard plugins turn on forwarding on the node. A plugin that is not a standard one may do so too. */
const mayForward = (type: JsonValue | undefined): boolean =>
  type === 'bridge' || type === 'ptp' || !STANDARD_PLUGINS.some((name) => name === type);

function sysctlsOf(networks: Networks): readonly Rule[] {
  return [
    ...(!networks.plugins.some(({ type }) => mayForward(type))
      ? []
      : [
          {
            // https://github.com/containernetworking/plugins/blob/v1.1.1/pkg/ip/ipforward_linux.go
            item: /^net\.(?:ipv4\.ip_forward|ipv6\.conf\.all\.forwarding) = 1$/,
            why: 'what lets the node forward for its pods, set for the first of them',
          },
        ]),
    ...(pluginsOfType(networks, 'portmap').length === 0
      ? []
      : [
          {
            // https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/meta/portmap/portmap.go (enableLocalnetRouting)
            item: /^net\.ipv4\.conf\..+\.route_localnet = 1$/,
            why: "what lets the node's own connections to a host port through, set for the first of them",
          },
        ]),
  ];
}

/**
 * Items have the form `ip nat -N CHAIN` and `ip nat -A CHAIN …`. The chains of one pod (CNI-DN-…, CNI-<hash>) are not
 * included.
 */
function iptablesOf(networks: Networks): readonly Rule[] {
  return [
    ...pluginsOfType(networks, 'portmap').flatMap(portmapRules),
    ...pluginsOfType(networks, 'firewall').flatMap((plugin) => firewallRules(plugin, networks.bridges)),
  ];
}

/** https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/meta/portmap/portmap.go (genToplevelDnatChain …) */
function portmapRules({ markMasqBit }: JsonObject): readonly Rule[] {
  const mark = `0x${(2 ** (typeof markMasqBit === 'number' ? markMasqBit : 13)).toString(16)}`;
  return [
    {
      item: /^ip6? nat -N CNI-HOSTPORT-(?:DNAT|MASQ|SETMARK)$/,
      why: "portmap's top-level chains, made for the first host port",
    },
    {
      item: /^ip6? nat -A (?:PREROUTING|OUTPUT) -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT$/,
      why: "the jumps to portmap's top-level chains",
    },
    {
      item: /^ip6? nat -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ$/,
      why: "the jumps to portmap's top-level chains",
    },
    {
      item: whole(`ip6? nat -A CNI-HOSTPORT-MASQ -m mark --mark ${mark}/${mark} -j MASQUERADE`),
      why: "what portmap's masquerade chain holds, the same for all pods",
    },
    {
      item: whole(
        `ip6? nat -A CNI-HOSTPORT-SETMARK -m comment --comment "CNI portfwd masquerade mark" -j MARK --set-xmark ${mark}/${mark}`,
      ),
      why: "what portmap's mark chain holds, the same for all pods",
    },
  ];
}

function firewallRules({ iptablesAdminChainName }: JsonObject, bridges: readonly string[]): readonly Rule[] {
  const admin = quoted(
    typeof iptablesAdminChainName === 'string' && iptablesAdminChainName !== ''
      ? iptablesAdminChainName
      : 'CNI-ADMIN',
  );
  const comment =
    '-m comment --comment "CNI firewall plugin rules \\(ingressPolicy: (?:same-bridge|isolated|same-bridge\\|isolated)\\)"';
  const isolation = [
    '-N CNI-ISOLATION-STAGE-[12]',
    `-A FORWARD ${comment} -j CNI-ISOLATION-STAGE-1`,
    `-A CNI-ISOLATION-STAGE-[12] ${comment} -j RETURN`,
    ...bridges
      .map(quoted)
      .flatMap((bridge) => [
        `-A CNI-ISOLATION-STAGE-1 -i ${bridge} ! -o ${bridge} ${comment} -j CNI-ISOLATION-STAGE-2`,
        `-A CNI-ISOLATION-STAGE-1 -i ${bridge} -o ${bridge} ${comment} -j DROP`,
        `-A CNI-ISOLATION-STAGE-2 -o ${bridge} ${comment} -j DROP`,
      ]),
  ];
  return [
    {
      // https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/meta/firewall/iptables.go (setupChains)
      item: whole(`ip6? filter -N (?:CNI-FORWARD|${admin})`),
      why: "the firewall plugin's chains, made for the first pod",
    },
    {
      item: whole('ip6? filter -A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD'),
      why: "the jump to the firewall plugin's chain",
    },
    {
      item: whole(
        `ip6? filter -A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j ${admin}`,
      ),
      why: "the jump to the administrator's chain",
    },
    {
      // "So we do not remove the iptable rules that are created per bridge."
      // https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/meta/firewall/ingresspolicy.go
      item: whole(`ip6? filter (?:${isolation.join('|')})`),
      why: "the firewall plugin's ingress policy is made for each bridge and kept",
    },
  ];
}

/**
 * Items have the form `ip TABLE`, `ip TABLE chain NAME`, `ip TABLE chain NAME rule …`. A rule of a pod has a comment
 * that identifies the pod.
 */
function nftOf(networks: Networks): readonly Rule[] {
  return [
    ...pluginsOfType(networks, 'portmap').flatMap(portmapTable),
    ...(networks.plugins.some(({ ipMasq }) => ipMasq === true) ? MASQUERADE_TABLE : []),
    ...(networks.plugins.some(({ macspoofchk }) => macspoofchk === true) ? SPOOF_TABLE : []),
  ];
}

/** https://github.com/containernetworking/plugins/blob/main/plugins/meta/portmap/portmap_nftables.go (forwardPorts) */
function portmapTable({ conditionsV4, conditionsV6 }: JsonObject): readonly Rule[] {
  const conditions = [conditionsV4, conditionsV6]
    .filter((words) => Array.isArray(words))
    .map((words) => `${quoted(words.join(' '))} `);
  return [
    {
      item: /^ip6? cni_hostport(?: chain (?:hostports|hostports_all|hostip_hostports|prerouting|output|masquerading))?$/,
      why: "portmap's table and chains, made for the first host port",
    },
    {
      item: whole(
        `ip6? cni_hostport chain (?:prerouting|output) rule (?:${conditions.join('|')})?(?:fib daddr type local )?jump (?:hostports|hostports_all|hostip_hostports)`,
      ),
      why: "the jumps to portmap's chains",
    },
    {
      item: /^ip6? cni_hostport chain hostports_all rule jump (?:hostip_hostports|hostports)$/,
      why: "the jumps to portmap's chains",
    },
  ];
}

/** https://github.com/containernetworking/plugins/blob/main/pkg/ip/ipmasq_nftables_linux.go */
const MASQUERADE_TABLE: readonly Rule[] = [
  {
    item: /^inet cni_plugins_masquerade(?: chain (?:masq_checks|postrouting))?$/,
    why: 'the masquerading table and its chains, made for the first pod',
  },
  {
    item: /^inet cni_plugins_masquerade chain postrouting rule (?:ip daddr 224\.0\.0\.0\/4 return|ip6 daddr ff00::\/8 return|goto masq_checks)$/,
    why: 'the jumps to the masquerading checks',
  },
];

/** https://github.com/containernetworking/plugins/blob/main/pkg/link/spoofcheck.go (Teardown) */
const SPOOF_TABLE: readonly Rule[] = [
  {
    item: /^bridge nat(?: chain PREROUTING)?$/,
    why: 'the table in which the bridge plugin checks addresses, made for the first pod',
  },
];

const whole = (pattern: string): RegExp => new RegExp(`^${pattern}$`);
const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
