import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parseJournal } from '../../lab/observe/journal.ts';
import { cnilab } from '../rig/cnilab.ts';
import { hostState } from '../rig/host-state.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { settled } from '../rig/settled.ts';

const NODES = 32;
const folder = scratchFolder();

test(`${NODES} nodes at once run a pod each, do not see each other, and end without remains`, async () => {
  const numbers = Array.from({ length: NODES }, (_, number) => number + 1);
  const scenario = join(folder, 'many.yaml');
  // Every node uses the same names and addresses, so that they would disturb each other if they were not isolated.
  writeFileSync(
    scenario,
    `name: many
summary: the same on every node, at the same time
matrix: { number: [${numbers.join(', ')}] }
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 1.0.0
      name: net
      plugins: [{ type: bridge, bridge: cni0, isGateway: true, ipMasq: true, ipam: { type: host-local, ranges: [[{ subnet: 10.88.0.0/16 }]] } }]
steps:
  - run-pod: web
    expect:
      ok: true
      pod: { state: ready, ips: [10.88.0.2] }
      left-behind: { netns: 1, netns-mount: 1, veth: 1, bridge-port: 1, ipam: 1, cni-result: 2, iptables: 4, mount: 2, shim: 1, process: 1, sandbox: 1 }
  - write-files: { /tmp/mine: '\${matrix.number}' }
  - exec: [sh, -c, 'cat /tmp/mine; ls /tmp /run/netns | wc -l']
    expect: { output: '\${matrix.number}5' }
  - stop-pod: web
  - remove-pod: web
expect: { left-behind: none, pods: none }
`,
  );
  expect((await cnilab(['run', scenario, '--set', 'number=1', '--output', folder])).stdout).toContain(
    '1 passed',
  );
  const before = await settled(hostState([folder]), [folder]);

  const output = join(folder, 'all');
  const { exitCode, stdout } = await cnilab(['run', scenario, '--jobs', String(NODES), '--output', output]);
  expect(stdout).toContain(`${NODES} passed in `);
  expect(exitCode).toBe(0);
  expect(await settled(before, [folder])).toEqual(before);

  const session = join(output, 'latest');
  const slugs = readdirSync(session).filter((name) => existsSync(join(session, name, 'journal.jsonl')));
  const usages = slugs.map((slug) => {
    const journal = parseJournal(readFileSync(join(session, slug, 'journal.jsonl'), 'utf8'));
    if (!journal.ok) throw new Error(journal.error);
    return journal.value.flatMap((entry) => (entry.kind === 'usage' ? [entry.usage] : []));
  });
  expect(usages.length).toBe(NODES);
  for (const [usage] of usages) {
    expect(usage?.cpuMs).toBeGreaterThan(0);
    expect(usage?.memoryPeakBytes).toBeGreaterThan(0);
  }
});
