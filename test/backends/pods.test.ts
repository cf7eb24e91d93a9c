import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

test('a pod on the network of the node starts, has the name of the node, and goes', async () => {
  const file = join(folder, 'host-network.yaml');
  writeFileSync(
    file,
    `name: host-network
summary: A pod on the network of the node
matrix: { containerd: [1.6.4, 2.4.2, 'debian:1.7.24'] }
node: { containerd: '\${matrix.containerd}', cni-plugins: 1.1.1 }
pods:
  agent: { host-network: true }
steps:
  - run-pod: agent
    expect: { pod: { state: ready, ips: 0 }, left-behind: { sandbox: 1, shim: 1, process: 1, mount: 2 } }
  - create-container: { container: app, pod: agent, command: [sleep, '1000'] }
  - start-container: app
  - exec: [hostname]
    expect: { output: '\${name:word}' }
  - exec-container: { container: app, command: [hostname] }
    expect: { output: '\${name}' }
  - stop-container: app
  - remove-container: app
  - stop-pod: agent
  - remove-pod: agent
expect: { left-behind: none, pods: none }
`,
  );
  const { exitCode, stdout } = await cnilab(['run', file, '--output', join(folder, 'runs')]);
  expect([stdout, exitCode]).toEqual([expect.stringContaining('3 passed'), 0]);
});
