import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

const scenario = (name: string, config: string) => {
  writeFileSync(
    join(folder, `${name}.yaml`),
    `name: ${name}
summary: Which of its addresses a pod names first
matrix: { containerd: [1.6.4, 'debian:2.1.9', 2.4.2] }
node:
  containerd: \${matrix.containerd}
  cni-plugins: 1.1.1
  runtime-config: ${config}
  cni-config:
    10-net.conflist:
      cniVersion: 1.0.0
      name: net
      plugins:
        - type: ptp
          ipam: { type: host-local, ranges: [[{ subnet: '2001:db8:42::/64' }], [{ subnet: 10.244.0.0/24 }]] }
steps:
  - run-pod: web
    expect: { pod: { ips: ['2001:db8:42::2', 10.244.0.2] } }
`,
  );
  return `${name}.yaml`;
};

test('a setting by role is read by every version, and a table that a version does not read is reported', async () => {
  const { stdout } = await cnilab(
    [
      'run',
      scenario('by-role', '{ cri: { cni: { ip_pref: cni }, max_concurrent_downloads: 4 } }'),
      scenario('of-1', '{ plugins: { io.containerd.grpc.v1.cri: { cni: { ip_pref: cni } } } }'),
      scenario('of-2', '{ plugins: { io.containerd.cri.v1.runtime: { cni: { ip_pref: cni } } } }'),
    ],
    { cwd: folder },
  );
  const verdicts = stdout
    .split('\n')
    .filter((line) => /^(?:pass|fail|inconclusive) /.test(line))
    .map((line) => line.replace(/ +\d+\.\d+ s$/, ''));
  expect(verdicts.sort()).toEqual([
    'fail  of-1 containerd=debian:2.1.9',
    'fail  of-2 containerd=1.6.4',
    'pass  by-role containerd=1.6.4',
    'pass  by-role containerd=2.4.2',
    'pass  by-role containerd=debian:2.1.9',
    'pass  of-1 containerd=1.6.4',
    'pass  of-1 containerd=2.4.2', // it migrates the table before it reads it
    'pass  of-2 containerd=2.4.2',
    'pass  of-2 containerd=debian:2.1.9',
  ]);
  expect(stdout).toContain(
    '      warning: start: containerd 2.1.9 does not read plugins."io.containerd.grpc.v1.cri".cni of runtime-config\n',
  );
  expect(stdout).toContain(
    '      warning: start: containerd 1.6.4 does not read plugins."io.containerd.cri.v1.runtime" of runtime-config\n',
  );
});
