import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { containerLab, imageOfUser } from '../rig/container-lab.ts';
import { dockerClient, remainsOf, startEngine, type TestEngine } from '../rig/engine.ts';
import { journalIn, nodeInStep } from '../rig/journal.ts';
import { processesWith } from '../rig/launched.ts';
import { OTHER_KUBERNETES, WITH_OTHER_KUBERNETES } from '../rig/rare-releases.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

// The first build of Kubernetes takes some minutes.
const HOUR_MS = 60 * 60_000;

const output = scratchFolder();
/** of the user */
const kubeconfig = join(output, 'kubeconfig');
const KUBECONFIG = 'current-context: mine\n';

let engine: TestEngine;
let lab: ReturnType<typeof containerLab>;
let env: Readonly<Record<string, string>>;

/** What the engine has, without what is kept between runs: names of containers, networks and volumes. */
async function inEngine(): Promise<readonly string[]> {
  const { containers, volumes } = await lab.state();
  const networks = await lab.docker.listNetworks();
  return [...containers, ...volumes, ...networks.map(({ Name }) => Name)].sort();
}

/** A cluster of somebody else, and its kubeconfig. */
const NOT_OURS = ['/their-control-plane created', 'bridge', 'cnilab-artifacts', 'host', 'kind', 'none'];

beforeAll(async () => {
  engine = await startEngine('docker-26.1', { network: true });
  lab = containerLab(engine);
  writeFileSync(kubeconfig, KUBECONFIG);
  env = { KUBECONFIG: kubeconfig, PATH: `${await dockerClient()}:${process.env['PATH'] ?? ''}` };
  expect((await lab.cnilab(['fetch', 'kubernetes'])).exitCode).toBe(0);
  expect(await lab.cnilab(['run', 'missing-version', '--backend', 'kind', '--output', output])).toMatchObject(
    {
      exitCode: 0,
    },
  );
  const [image = ''] = (await lab.state()).images;
  await lab.docker.createNetwork({ Name: 'kind' });
  await lab.docker.createContainer({
    ...{ name: 'their-control-plane', Image: image, HostConfig: { NetworkMode: 'kind' } },
    Labels: { 'io.x-k8s.kind.cluster': 'their', 'io.x-k8s.kind.role': 'control-plane' },
  });
  expect(await inEngine()).toEqual(NOT_OURS);
}, HOUR_MS);
afterAll(async () => {
  expect(readFileSync(kubeconfig, 'utf8')).toBe(KUBECONFIG);
  // what removes the clusters of killed labs looks for some seconds more
  await until('its end', async () => processesWith('delete cluster --name').length === 0);
  await engine[Symbol.asyncDispose]();
  expect(remainsOf(engine)).toEqual([]);
});

/** A run that fails as on bare nodes, where its control expects that. */
const CONTROL = 'scenarios/kubernetes/controls/node-that-is-cordoned.yaml';
const run = (scenario: string, folder: string): readonly string[] => [
  ...['run', scenario, '--backend', 'kind', '--output', join(output, folder)],
];

test(
  'the upgrade of a cluster passes, and nothing of the cluster remains',
  { timeout: HOUR_MS },
  async () => {
    const { exitCode, stdout } = await lab.cnilab(run('upgrade-a-cluster', 'upgrade'), { env });
    expect(exitCode, stdout).toBe(0);
    const entries = journalIn(join(output, 'upgrade'));
    expect(entries.flatMap(({ kind, part }) => (kind === 'cluster-part' ? [part] : []))).toEqual([
      'kind create cluster',
      'nodes',
    ]);
    expect(entries).toContainEqual(
      expect.objectContaining({ kind: 'artifact', name: 'kind', version: '0.33.0' }),
    );
    expect(await inEngine()).toEqual(NOT_OURS);
  },
);

test.runIf(WITH_OTHER_KUBERNETES)(
  `it passes with Kubernetes ${OTHER_KUBERNETES.join(' and ')} too`,
  { timeout: HOUR_MS },
  async () => {
    const versions = ['--kubernetes', OTHER_KUBERNETES.join(','), '--containerd', '1.6.2'];
    const { exitCode, stdout } = await lab.cnilab([...run('upgrade-a-cluster', 'other'), ...versions], {
      env,
    });
    expect(exitCode, stdout).toBe(0);
    expect(await inEngine()).toEqual(NOT_OURS);
  },
);

test('a run that does not pass has the logs of kind', { timeout: HOUR_MS }, async () => {
  const file = join(output, 'node-that-is-cordoned.yaml');
  writeFileSync(file, readFileSync(CONTROL, 'utf8').replace(/^control:\n(?: .*\n)+/m, ''));
  const { exitCode, stdout } = await lab.cnilab(run(file, 'fails'), { env });
  expect(exitCode, stdout).toBe(1);
  expect(stdout).toContain('node worker-1 with containerd://1.6.4 is Ready=True and cordoned');
  const files = readdirSync(join(output, 'fails'), { recursive: true, encoding: 'utf8' });
  const logs = files.filter((name) => name.includes('/kind/logs/'));
  expect(logs).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/-worker\/kubelet\.log$/),
      expect.stringMatching(/apiserver/),
    ]),
  );
  expect(await inEngine()).toEqual(NOT_OURS);
});

test('in an image of the user, the kubelet of the scenario runs', { timeout: HOUR_MS }, async () => {
  // as in an image of kind: its unit is changed by a drop-in that starts a kubelet of its own
  const [base = ''] = (await lab.state()).images;
  const own = await imageOfUser(lab.docker, {
    base,
    commands: [
      'cd /etc/systemd/system && mkdir -p kubelet.service.d containerd.service.d',
      'printf "[Service]\\nExecStart=\\nExecStart=/usr/bin/kubelet\\n" > kubelet.service.d/10-kubeadm.conf',
      'printf "[Service]\\nExecStartPre=/bin/false\\n" > containerd.service.d/10-own.conf',
      'cp /bin/false /usr/bin/kubelet && mkdir -p /kind && echo v1.23.17 > /kind/version',
    ],
  });
  const flags = [...run(CONTROL, 'own-image'), '--base', own];
  const { exitCode, stdout } = await lab.cnilab(flags, { env });
  expect(exitCode, stdout).toBe(0);
  expect(await inEngine()).toEqual(NOT_OURS);
});

test.each<readonly [moment: string, come: (folder: string) => Promise<unknown>]>([
  [
    'kind starts its containers',
    () => until('a network', async () => (await inEngine()).some((name) => name.startsWith('cnilab-lab-'))),
  ],
  [
    'kubeadm starts Kubernetes',
    () =>
      until('kubeadm', async () =>
        (await lab.docker.listContainers()).some(({ Names }) =>
          /^\/cnilab-lab-.*-worker$/.test(Names[0] ?? ''),
        ),
      ),
  ],
  ['the cluster runs', (folder) => nodeInStep(folder, '1-apply')],
])('kill -9 of the lab while %s leaves nothing in the engine', { timeout: HOUR_MS }, async (moment, come) => {
  const folder = moment.replaceAll(' ', '-');
  const started = lab.start(run('upgrade-a-cluster', folder), { env });
  await come(join(output, folder));
  started.process.kill('SIGKILL');
  expect((await started.finished).signal).toBe('SIGKILL');
  await until(
    'the end of the cluster',
    async () => JSON.stringify(await inEngine()) === JSON.stringify(NOT_OURS),
  );
});
