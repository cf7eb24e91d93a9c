import { expect, test } from 'vitest';
import type { StateKind } from '../../lab/core/node-state.ts';
import { ownerOf } from '../../lab/judge/left-over.ts';
import { item, sandbox, state } from '../rig/recorded-run.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const C = 'c'.repeat(64);
const looks = [
  {
    stepId: '1-run-pod',
    state: state([
      sandbox(A, { podName: 'web', ips: '10.88.0.2', netns: '/run/netns/cni-1' }),
      sandbox(B, { podName: 'db', ips: '10.88.0.21,fd00::5', netns: '/run/netns/cni-12' }),
      item('container', C, { name: 'app', sandbox: A }),
    ]),
  },
  { stepId: '2-remove-pod', state: state() },
];

test.each<[StateKind, string, Record<string, string>, string | undefined]>([
  ['ipam', 'net/10.88.0.2', { id: A, ifname: 'eth0' }, 'web'],
  ['ipam', 'net/10.88.0.21', {}, 'db'],
  ['ipam', 'net/10.88.0.3', {}, undefined],
  ['cni-result', `net-${B}-eth0`, {}, 'db'],
  ['netns', 'cni-1', {}, 'web'],
  ['netns-mount', '/run/netns/cni-12', {}, 'db'],
  ['netns', 'cni-123', {}, undefined],
  [
    'iptables',
    `ip nat -A CNI-f0 -d 10.88.0.0/16 -m comment --comment "name: "net" id: "${A}"" -j ACCEPT`,
    {},
    'web',
  ],
  ['iptables', 'ip nat -A POSTROUTING -s 10.88.0.21/32 -j X', {}, 'db'],
  ['iptables', 'ip6 nat -A POSTROUTING -s fd00::5/128 -j X', {}, 'db'],
  ['process', 'sleep 100', { pid: '7', id: C }, 'web'],
  ['bridge', 'cni0', {}, undefined],
])('%s %s (%o) is of %s', (kind, name, detail, pod) => {
  expect(ownerOf({ kind, name, detail }, { looks })).toBe(pod);
});
