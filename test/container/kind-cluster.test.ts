import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { imageOfUser } from '../rig/container-lab.ts';
import { dockerClient } from '../rig/engine.ts';
import { journalIn, nodeInStep } from '../rig/journal.ts';
import { kindClusterLab } from '../rig/kind-cluster-lab.ts';
import { OTHER_KUBERNETES, WITH_LONG_CLUSTERS } from '../rig/rare-releases.ts';
import { HOUR_MS, until } from '../rig/until.ts';

/** A run that fails as on bare nodes, where its control expects that. */
const CONTROL = 'scenarios/kubernetes/controls/node-that-is-cordoned.yaml';
const REBOOTS = `name: reboots
summary: Nodes of a cluster reboot, keep the network of their engine, and are Ready again
cluster:
  kubernetes: 1.24.17
  workers: 1
  node: { containerd: 1.6.4, cni-plugins: 1.1.1 }
  nodes:
    worker-1:
      cni-config:
        10-cnilab.conflist: { cniVersion: 1.0.0, name: cnilab, plugins: [{ type: bridge, bridge: cni0, isGateway: true, ipam: { type: host-local, subnet: 10.244.2.0/24 } }] }
steps:
  - apply:
      apiVersion: apps/v1
      kind: DaemonSet
      metadata: { name: web }
      spec:
        selector: { matchLabels: { app: web } }
        template:
          metadata: { labels: { app: web } }
          spec:
            terminationGracePeriodSeconds: 1
            containers: [{ name: web, image: cnilab.local/app:1, command: [sleep, '3600'] }]
  - wait-for: { cluster: { pods: { web: { ready: 1 } } } }
    timeout: 3m
  - exec: [sh, -c, 'ip -o -4 address show dev eth0 > /var/before; cat /sys/class/net/eth0/address >> /var/before']
    on: worker-1
  - reboot:
    on: worker-1
    expect: { left-behind: { ipam: 1, cni-result: 2, sandbox: 1, container: 1 } }
  - exec: [sh, -c, '{ ip -o -4 address show dev eth0; cat /sys/class/net/eth0/address; } | diff /var/before - && ip -o route && ls /sys/class/net']
    on: worker-1
    note: only the route that comes with the address
    expect: { output: "\${subnet:word} dev eth0 proto kernel scope link src \${address:ip} \\neth0\\nlo" }
  - start-kubelet:
    on: worker-1
  - wait-for: { cluster: { pods: { web: { ready: 1 } }, events: [{ about: worker-1, reason: Rebooted }] } }
    timeout: 3m
  - reboot:
    on: control-plane
  - exec: [kubectl, get, pods]
    on: control-plane
    expect: { ok: false }
  - start-kubelet:
    on: control-plane
  - delete: daemonset/web
  - wait-for: { cluster: { pods: { web: { count: 0 } } } }
    timeout: 3m
`;

const lab = kindClusterLab({
  engineName: 'docker-26.1',
  client: dockerClient,
  networks: ['bridge', 'host', 'none'],
});

test(
  'the upgrade of a cluster passes, and nothing of the cluster remains',
  { timeout: HOUR_MS },
  async () => {
    await lab.ended(lab.run('upgrade-a-cluster', 'upgrade'));
    const entries = journalIn(join(lab.output, 'upgrade'));
    expect(entries.flatMap(({ kind, part }) => (kind === 'cluster-part' ? [part] : []))).toEqual([
      'kind create cluster',
      'nodes',
    ]);
    expect(entries).toContainEqual(
      expect.objectContaining({ kind: 'artifact', name: 'kind', version: '0.33.0' }),
    );
  },
);

test.runIf(WITH_LONG_CLUSTERS)(
  `it passes with Kubernetes ${OTHER_KUBERNETES.join(' and ')} too`,
  { timeout: HOUR_MS },
  async () => {
    const versions = ['--kubernetes', OTHER_KUBERNETES.join(','), '--containerd', '1.6.2'];
    await lab.ended([...lab.run('upgrade-a-cluster', 'other'), ...versions]);
  },
);

test('static pods and others start on CRI-O', { timeout: HOUR_MS }, async () => {
  await lab.ended([...lab.run('kubelet-says-on-crio', 'crio'), '--crio', '1.24.0']);
});

test('a worker and the control plane reboot', { timeout: HOUR_MS }, async () => {
  const file = join(lab.output, 'reboots.yaml');
  writeFileSync(file, REBOOTS);
  await lab.ended(lab.run(file, 'reboots'));
});

test('a run that does not pass has the logs of kind', { timeout: HOUR_MS }, async () => {
  const file = join(lab.output, 'node-that-is-cordoned.yaml');
  writeFileSync(file, readFileSync(CONTROL, 'utf8').replace(/^control:\n(?: .*\n)+/m, ''));
  const stdout = await lab.ended(lab.run(file, 'fails'), 1);
  expect(stdout).toContain('node worker-1 with containerd://1.6.4 is Ready=True and cordoned');
  const files = readdirSync(join(lab.output, 'fails'), { recursive: true, encoding: 'utf8' });
  const logs = files.filter((name) => name.includes('/kind/logs/'));
  expect(logs).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/-worker\/kubelet\.log$/),
      expect.stringMatching(/apiserver/),
    ]),
  );
});

test('in an image of the user, the kubelet of the scenario runs', { timeout: HOUR_MS }, async () => {
  // as in an image of kind: its unit is changed by a drop-in that starts a kubelet of its own
  const [base = ''] = (await lab.state()).images;
  const own = await imageOfUser(lab.docker(), {
    base,
    commands: [
      'cd /etc/systemd/system && mkdir -p kubelet.service.d containerd.service.d',
      'printf "[Service]\\nExecStart=\\nExecStart=/usr/bin/kubelet\\n" > kubelet.service.d/10-kubeadm.conf',
      'printf "[Service]\\nExecStartPre=/bin/false\\n" > containerd.service.d/10-own.conf',
      'cp /bin/false /usr/bin/kubelet && mkdir -p /kind && echo v1.23.17 > /kind/version',
    ],
  });
  await lab.ended([...lab.run(CONTROL, 'own-image'), '--base', own]);
});

test.each<readonly [moment: string, come: (folder: string) => Promise<unknown>]>([
  [
    'kind starts its containers',
    () =>
      until('a network', async () => (await lab.inEngine()).some((name) => name.startsWith('cnilab-lab-'))),
  ],
  [
    'kubeadm starts Kubernetes',
    () =>
      until('kubeadm', async () =>
        (await lab.docker().listContainers()).some(({ Names }) =>
          /^\/cnilab-lab-.*-worker$/.test(Names[0] ?? ''),
        ),
      ),
  ],
  ['the cluster runs', (folder) => nodeInStep(folder, '1-apply')],
])('kill -9 of the lab while %s leaves nothing in the engine', { timeout: HOUR_MS }, lab.killedAt);
