import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { scratchFolder } from '../rig/scratch.ts';
import { vmLab } from '../rig/vm-lab.ts';

const folder = scratchFolder();

test('a machine has a kernel with everything that the standard plugins make', async () => {
  const kinds = [
    'macvlan',
    'vlan id 5',
    'dummy',
    'ifb',
    'vrf table 10',
    'vxlan id 1 dstport 4789',
    'bridge',
    'veth',
  ];
  writeFileSync(
    join(folder, 'kinds.yaml'),
    `name: kinds
summary: Plugins that ask for what this host's kernel may not have
node:
  containerd: 1.6.3
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 0.4.0
      name: net
      plugins:
        - { type: ipvlan, master: parent0, ipam: { type: host-local, subnet: 10.88.0.0/24 } }
steps:
  - exec: [ip, link, add, parent0, type, veth, peer, name, wire0]
  - exec: [ip, link, set, parent0, up]
  - run-pod: web
    expect: { pod: { ips: 1 } }
  - stop-pod: web
  - remove-pod: web
  - write-cni-config:
      10-net.conflist:
        cniVersion: 0.4.0
        name: shaped
        plugins:
          - { type: ptp, ipam: { type: host-local, subnet: 10.89.0.0/24 } }
          - { type: bandwidth, ingressRate: 1000000, ingressBurst: 1000000, egressRate: 1000000, egressBurst: 1000000 }
  - wait-for: { network-ready: true }
  - run-pod: shaped
    expect: { pod: { ips: [10.89.0.2] } }
${kinds.map((kind, index) => `  - exec: [ip, link, add, link, parent0, one${index}, type, ${kind.split(' ').join(', ')}]\n`).join('')}`,
  );
  const lab = await vmLab();
  const { exitCode, stdout } = await lab.cnilab(['run', 'kinds.yaml', '--backend', 'vm'], { cwd: folder });
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('pass  kinds')]);
});
