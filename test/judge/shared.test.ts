import { expect, test } from 'vitest';

import { networksOf } from '../../lab/judge/networks.ts';
import { whyShared } from '../../lab/judge/shared.ts';
import { CONFLIST, item } from '../rig/recorded-run.ts';

const FIREWALL = JSON.stringify({
  name: 'other',
  type: 'firewall',
  ingressPolicy: 'same-bridge',
  delegate: { type: 'bridge', bridge: 'br0', macspoofchk: true },
});
const networks = networksOf([CONFLIST, FIREWALL]);
const onBridge = { device: 'cni0' };

test.each([
  ['bridge', 'cni0'],
  ['bridge', 'br0'],
  ['ipam-state', 'containerd-net/last_reserved_ip.0'],
  ['cgroup', `/k8s.io/${'a'.repeat(64)}`],
  ['sysctl', 'net.ipv4.ip_forward = 1'],
  ['sysctl', 'net.ipv6.conf.all.forwarding = 1'],
  ['iptables', 'ip nat -N CNI-HOSTPORT-DNAT'],
  ['iptables', 'ip6 nat -N CNI-HOSTPORT-SETMARK'],
  ['iptables', 'ip nat -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT'],
  [
    'iptables',
    'ip nat -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ',
  ],
  ['iptables', 'ip nat -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE'],
  ['iptables', 'ip filter -A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD'],
  [
    'iptables',
    'ip filter -A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN',
  ],
  ['iptables', 'ip filter -N CNI-ISOLATION-STAGE-1'],
  [
    'iptables',
    'ip filter -A CNI-ISOLATION-STAGE-2 -o br0 -m comment --comment "CNI firewall plugin rules (ingressPolicy: same-bridge|isolated)" -j DROP',
  ],
  [
    'iptables',
    'ip filter -A CNI-ISOLATION-STAGE-1 -i cni0 ! -o cni0 -m comment --comment "CNI firewall plugin rules (ingressPolicy: same-bridge)" -j CNI-ISOLATION-STAGE-2',
  ],
  ['nft', 'ip cni_hostport'],
  ['nft', 'ip cni_hostport chain prerouting rule jump hostports'],
  ['nft', 'ip cni_hostport chain prerouting rule fib daddr type local jump hostports_all'],
  ['nft', 'inet cni_plugins_masquerade chain masq_checks'],
  ['nft', 'bridge nat chain PREROUTING'],
] as const)('%s %s is shared between pods', (kind, name) => {
  expect(whyShared(item(kind, name), networks)).toBeTypeOf('string');
});

test.each([
  ['netns', 'cni-1'],
  ['veth', 'veth1'],
  ['bridge', 'cali-br1'],
  ['ipam', 'containerd-net/10.88.0.2'],
  ['sysctl', 'net.ipv4.ip_forward = 0'],
  ['sysctl', 'net.ipv4.conf.all.rp_filter = 2'],
  ['iptables', 'ip nat -N CNI-DN-2cbdc0366bc65971858cc'],
  [
    'iptables',
    'ip nat -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name" -j CNI-DN-2cbdc0366bc65971858cc',
  ],
  ['iptables', 'ip nat -A CNI-HOSTPORT-MASQ -s 10.88.0.2/32 -j MASQUERADE'],
  ['iptables', 'ip nat -A CNI-HOSTPORT-MASQ -m mark --mark 0x4000/0x4000 -j MASQUERADE'],
  ['iptables', 'ip nat -A PREROUTING -s 10.88.0.2/32 -j CNI-HOSTPORT-MASQ'],
  ['iptables', 'ip nat -A PREROUTING -s 10.88.0.2/32 -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT'],
  [
    'iptables',
    'ip nat -A POSTROUTING -s 10.88.0.2/32 -m comment --comment "name" -j CNI-1234567890abcdef12345678',
  ],
  ['iptables', 'ip nat -N CNI-1234567890abcdef12345678'],
  ['iptables', 'ip filter -P FORWARD DROP'],
  ['iptables', 'ip filter -A CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT'],
  ['iptables', 'ip filter -A FORWARD -s 10.88.0.2/32 -j CNI-FORWARD'],
  ['iptables', 'ip filter -A CNI-ISOLATION-STAGE-2 -s 10.88.0.2/32 -j DROP'],
  [
    'iptables',
    'ip filter -A CNI-ISOLATION-STAGE-2 -o br9 -m comment --comment "CNI firewall plugin rules (ingressPolicy: same-bridge)" -j DROP',
  ],
  ['nft', 'ip cni_hostport chain hostports rule tcp dport 8080 dnat to 10.88.0.2:80'],
  ['nft', 'ip cni_hostport chain prerouting rule ip saddr 10.88.0.2 jump hostports'],
  ['nft', 'inet cni_plugins_masquerade chain masq_checks rule ip saddr 10.88.0.2 masquerade'],
  ['nft', 'inet cni_plugins_masquerade chain postrouting rule ip saddr 10.88.0.2 masquerade'],
  ['nft', 'ip something_else'],
  ['route', '10.88.0.2 dev cni0'],
  ['file', '/run/cni/tuning/leftover.json'],
] as const)('%s %s belongs to one pod', (kind, name) => {
  expect(whyShared(item(kind, name), networks)).toBeUndefined();
});

test.each([
  ['bridge', 'cni0'],
  ['iptables', 'ip nat -N CNI-HOSTPORT-DNAT'],
  ['iptables', 'ip filter -N CNI-FORWARD'],
  ['nft', 'inet cni_plugins_masquerade'],
  ['sysctl', 'net.ipv4.ip_forward = 1'],
] as const)('%s %s is not shared by plugins that no network has', (kind, name) => {
  expect(whyShared(item(kind, name), networksOf(['{ "name": "x", "type": "macvlan" }']))).toBeUndefined();
});

test('an unknown plugin may enable forwarding on the node', () => {
  const forward = item('sysctl', 'net.ipv4.ip_forward = 1');
  expect(whyShared(forward, networksOf(['{ "name": "x", "type": "my-cni" }']))).toBeTypeOf('string');
});

test.each([
  ['10.88.0.1/16 dev cni0', true],
  ['fd00::1/64 dev cni0', true],
  ['10.88.0.2/16 dev cni0', false],
  ['10.88.0.1/32 dev cni0', false],
  ['10.99.0.1/16 dev cni0', false],
])("the gateway's address is the bridge's: %s %s", (name, shared) => {
  expect(whyShared(item('address', name, onBridge), networks) !== undefined).toBe(shared);
});

test('an address on another device is not a gateway', () => {
  expect(whyShared(item('address', '10.88.0.1/16 dev lo'), networks)).toBeUndefined();
});

test('a gateway may be named, may belong to a single subnet, or may come from an unknown ipam', () => {
  const bridge = (ipam: object) =>
    networksOf([JSON.stringify({ type: 'bridge', isDefaultGateway: true, ipam })]);
  const address = (name: string) => item('address', name, onBridge);
  const named = bridge({ type: 'host-local', ranges: [[{ subnet: '10.1.0.0/24', gateway: '10.1.0.254' }]] });
  expect(whyShared(address('10.1.0.254/24 dev cni0'), named)).toBeTypeOf('string');
  expect(whyShared(address('10.1.0.1/24 dev cni0'), named)).toBeUndefined();
  const alone = bridge({ type: 'host-local', subnet: '10.1.0.0/24' });
  expect(whyShared(address('10.1.0.1/24 dev cni0'), alone)).toBeTypeOf('string');
  expect(whyShared(address('10.7.0.1/24 dev cni0'), bridge({ type: 'dhcp' }))).toBeTypeOf('string');
});
