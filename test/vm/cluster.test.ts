import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { WITH_LONG_CLUSTERS } from '../rig/rare-releases.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { HOUR_MS } from '../rig/until.ts';
import { vmLab } from '../rig/vm-lab.ts';

test.runIf(WITH_LONG_CLUSTERS)(
  'a cluster of virtual machines starts, runs a pod and is drained',
  { timeout: HOUR_MS },
  async () => {
    const folder = scratchFolder();
    const scenario = {
      name: 'in-machines',
      summary: 'A pod on a worker that is drained',
      cluster: { kubernetes: '1.24.17', workers: 1, node: { containerd: '1.6.4', 'cni-plugins': '1.1.1' } },
      steps: [
        {
          apply: {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name: 'web', labels: { app: 'web' } },
            spec: {
              terminationGracePeriodSeconds: 1,
              containers: [{ name: 'web', image: 'cnilab.local/app:1', command: ['sleep', '3600'] }],
            },
          },
        },
        { 'wait-for': { cluster: { pods: { web: { ready: 1, on: { 'worker-1': 1 } } } } }, timeout: '10m' },
        { drain: { node: 'worker-1', flags: ['--force'] }, timeout: '10m' },
        { 'wait-for': { cluster: { pods: { web: { count: 0 } } } }, timeout: '10m' },
      ],
      expect: { cluster: { nodes: { 'worker-1': { ready: true, schedulable: false } } } },
    };
    const file = join(folder, 'in-machines.yaml');
    writeFileSync(file, JSON.stringify(scenario));
    const lab = await vmLab();
    const { exitCode, stdout, stderr } = await lab.cnilab([
      ...['run', file, '--backend', 'vm', '--output', join(folder, 'runs')],
    ]);
    expect(stdout, stderr).toMatch(/^1 passed in /m);
    expect(exitCode).toBe(0);
  },
);
