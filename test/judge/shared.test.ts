import { expect, test } from 'vitest';

import { whyShared } from '../../lab/judge/shared.ts';
import { item } from '../rig/recorded-run.ts';

test.each([
  ['bridge', 'cni0'],
  ['ipam-state', 'containerd-net/last_reserved_ip.0'],
  ['iptables', 'ip nat -N CNI-HOSTPORT-DNAT'],
  ['iptables', 'ip6 nat -N CNI-HOSTPORT-SETMARK'],
  ['iptables', 'ip nat -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT'],
  [
    'iptables',
    'ip nat -A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ',
  ],
  ['iptables', 'ip nat -A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE'],
  ['iptables', 'ip filter -A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD'],
  ['iptables', 'ip filter -N CNI-ISOLATION-STAGE-1'],
  ['iptables', 'ip filter -A CNI-ISOLATION-STAGE-2 -o cni0 -j DROP'],
  ['nft', 'ip cni_hostport'],
  ['nft', 'ip cni_hostport chain prerouting rule jump hostports'],
  ['nft', 'inet cni_plugins_masquerade chain masq_checks'],
] as const)('%s %s is shared between pods', (kind, name) => {
  expect(whyShared(item(kind, name))).toBeTypeOf('string');
});

test.each([
  ['netns', 'cni-1'],
  ['veth', 'veth1'],
  ['ipam', 'containerd-net/10.88.0.2'],
  ['iptables', 'ip nat -N CNI-DN-2cbdc0366bc65971858cc'],
  [
    'iptables',
    'ip nat -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name" -j CNI-DN-2cbdc0366bc65971858cc',
  ],
  [
    'iptables',
    'ip nat -A POSTROUTING -s 10.88.0.2/32 -m comment --comment "name" -j CNI-1234567890abcdef12345678',
  ],
  ['iptables', 'ip nat -N CNI-1234567890abcdef12345678'],
  ['iptables', 'ip filter -A CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT'],
  ['nft', 'ip cni_hostport chain hostports rule tcp dport 8080 dnat to 10.88.0.2:80'],
  ['nft', 'inet cni_plugins_masquerade chain masq_checks rule ip saddr 10.88.0.2 masquerade'],
  ['nft', 'ip something_else'],
] as const)('%s %s belongs to one pod', (kind, name) => {
  expect(whyShared(item(kind, name))).toBeUndefined();
});
