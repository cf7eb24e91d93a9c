import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';

import { cnilab, startCnilab } from '../rig/cnilab.ts';
import { hostState, type HostState } from '../rig/host-state.ts';
import { journalIn, nodeInStep } from '../rig/journal.ts';
import { OTHER_KUBERNETES, WITH_LONG_CLUSTERS } from '../rig/rare-releases.ts';
import { recordedRuns, tryMutants, withoutControls } from '../rig/recorded-session.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { settled } from '../rig/settled.ts';
import { HOUR_MS, until } from '../rig/until.ts';

const output = scratchFolder();
let before: HostState;
let sysctls: readonly string[];

/** What a kubelet would set for the whole machine. */
const machineSysctls = (): readonly string[] =>
  [
    ...['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops'],
    ...['kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'],
  ].map((name) => `${name} ${readFileSync(`/proc/sys/${name}`, 'utf8').trim()}`);

beforeAll(async () => {
  expect((await cnilab(['fetch', 'kubernetes'])).exitCode).toBe(0);
  before = await settled(hostState([output]), [output]);
  sysctls = machineSysctls();
}, HOUR_MS);

/** Most of the time, clusters wait. The one that loses no request has the machine to itself. */
const SESSIONS = [
  { name: 'under-load', flags: ['--jobs', '1', '--grep', '^upgrade-a-cluster$'] },
  { name: 'others', flags: ['--jobs', '3', '--grep-invert', '^upgrade-a-cluster$'] },
];

test.each(SESSIONS)(
  'every scenario with a cluster passes, and the host is as it was: $name',
  { timeout: HOUR_MS },
  async ({ name, flags }) => {
    const { exitCode, stdout } = await cnilab([
      'run',
      'kubernetes',
      ...flags,
      '--output',
      join(output, name),
    ]);
    expect(stdout).toMatch(/^\d+ passed in /m);
    expect(exitCode).toBe(0);
    expect(await settled(before, [output])).toEqual(before);
    expect(machineSysctls()).toEqual(sysctls);
  },
);

test('any change to an expectation of a cluster is a failure of its own check', () => {
  const recorded = SESSIONS.flatMap(({ name }) => recordedRuns(join(output, name, 'latest')));
  const { unnoticed, checks } = tryMutants(withoutControls(recorded));
  expect(unnoticed).toEqual([]);
  expect(checks).toEqual(expect.arrayContaining(['cluster-events', 'cluster-nodes', 'cluster-pods']));
});

test('the example of docs/node-upgrade.md passes', { timeout: HOUR_MS }, async () => {
  const example = 'examples/node-upgrade/our-upgrade.yaml';
  const { exitCode, stdout } = await cnilab(['run', example, '--output', join(output, 'example')]);
  expect(stdout).toMatch(/^1 passed in /m);
  expect(exitCode).toBe(0);
});

test.runIf(WITH_LONG_CLUSTERS)(
  'the upgrade passes with other versions of Kubernetes, and the host is as it was',
  { timeout: HOUR_MS },
  async () => {
    // 1.37 wants CRI v1, which containerd 1.5 does not have
    const versions = ['--kubernetes', OTHER_KUBERNETES.join(','), '--containerd', '1.6.2'];
    const folder = join(output, 'other-kubernetes');
    const argv = ['run', 'upgrade-a-cluster', ...versions, '--jobs', '1', '--output', folder];
    const { exitCode, stdout } = await cnilab(argv);
    expect(stdout).toMatch(/^2 passed in /m);
    expect(exitCode).toBe(0);
    expect(await settled(before, [output])).toEqual(before);
    expect(machineSysctls()).toEqual(sysctls);
  },
);

test.each([
  [
    'full disk of etcd',
    { 'control-plane': { limits: { tmpfs: '60MiB' } } },
    'etcd on control-plane ended with 2: failed to create WAL: no space left on device',
  ],
  [
    'kubelet that does not start',
    { 'worker-1': { files: { '/var/lib/kubelet/cpu_manager_state': 'of another version' } } },
    'kubelet on worker-1 ended with 1: "Failed to start ContainerManager" err="start cpu manager error: could not ' +
      "restore state from checkpoint: invalid character 'o' looking for beginning of value, please drain this node " +
      'and delete the CPU manager checkpoint file \\"/var/lib/kubelet/cpu_manager_state\\" before restarting Kubelet"',
  ],
])('a %s is inconclusive, with its cause', { timeout: HOUR_MS }, async (what, nodes, cause) => {
  const folder = join(output, what.replaceAll(' ', '-'));
  mkdirSync(folder);
  const scenario = {
    name: 'does-not-start',
    summary: 'The steps never begin',
    cluster: {
      kubernetes: '1.24.17',
      workers: 1,
      node: { containerd: '1.6.4', 'cni-plugins': '1.1.1' },
      nodes,
    },
    steps: [{ cordon: 'worker-1' }],
  };
  writeFileSync(join(folder, 'does-not-start.yaml'), JSON.stringify(scenario));
  const { exitCode, stdout } = await cnilab(['run', folder, '--output', folder]);
  expect(stdout).toContain(
    `1-cordon: the run did not come to its end: during starting Kubernetes: ${cause}\n`,
  );
  expect(exitCode).toBe(69);
});

test.each<readonly [moment: string, come: (folder: string) => Promise<unknown>]>([
  [
    'a cluster starts',
    (folder) =>
      until('the API server', () => journalIn(folder).some(({ part }) => part === 'kube-apiserver')),
  ],
  ['a node is drained', (folder) => nodeInStep(folder, '6-drain')],
])('kill -9 of the lab while %s leaves the host as it was', { timeout: HOUR_MS }, async (moment, come) => {
  const folder = join(output, moment.replaceAll(' ', '-'));
  const lab = startCnilab(['run', 'upgrade-a-cluster', '--output', folder]);
  await come(folder);
  lab.process.kill('SIGKILL');
  expect((await lab.finished).signal).toBe('SIGKILL');
  expect(await settled(before, [output])).toEqual(before);
});
