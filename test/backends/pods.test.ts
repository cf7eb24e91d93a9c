import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

test('a host-network pod starts, has the node’s host name, and is removed', async () => {
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

test("the runtime's default seccomp profile works in a pod, with the runc of each containerd", async () => {
  const file = join(folder, 'seccomp.yaml');
  const pod = {
    metadata: { name: 'safe', namespace: 'default', uid: 'safe-uid', attempt: 0 },
    log_directory: '/tmp',
    linux: { security_context: { seccomp: { profile_type: 0 }, namespace_options: { network: 2 } } },
  };
  const container = {
    metadata: { name: 'app', attempt: 0 },
    image: { image: 'cnilab.local/app:1' },
    command: ['sleep', '1000'],
    log_path: 'app.log',
    linux: { security_context: { seccomp: { profile_type: 0 } } },
  };
  writeFileSync(
    file,
    JSON.stringify({
      name: 'seccomp',
      summary: 'A pod with the profile RuntimeDefault',
      matrix: { containerd: ['1.6.4', '2.4.2'] },
      node: { containerd: '${matrix.containerd}', 'cni-plugins': '1.1.1' },
      pods: { web: { 'host-network': true } },
      steps: [
        { 'run-pod': 'web' },
        { 'create-container': { container: 'image', pod: 'web', command: ['sleep', '1'] } },
        {
          'write-files': {
            '/lab/safe.json': JSON.stringify(pod),
            '/lab/app.json': JSON.stringify(container),
          },
        },
        {
          exec: [
            'sh',
            '-c',
            'set -e; pod=$(crictl runp /lab/safe.json); app=$(crictl create $pod /lab/app.json /lab/safe.json); crictl start $app >/dev/null; crictl exec --sync $app grep Seccomp: /proc/1/status',
          ],
          expect: { output: { contains: 'Seccomp:\t2', why: 'crictl adds line breaks' } },
        },
        {
          exec: ['runc', '--version'],
          expect: [
            {
              when: { containerd: '1' },
              output: { contains: 'runc version 1.1.15', why: 'more lines follow' },
            },
            {
              when: { containerd: '2' },
              output: { contains: 'runc version 1.3.6', why: 'more lines follow' },
            },
          ],
        },
      ],
    }),
  );
  const { exitCode, stdout } = await cnilab(['run', file, '--output', join(folder, 'runs')]);
  expect([stdout, exitCode]).toEqual([expect.stringContaining('2 passed'), 0]);
});
