import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createLocal, describeLocal } from '../../lab/artifacts/sources/local.ts';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { openArtifacts, readPins } from '../../lab/assembly/open-artifacts.ts';
import { createExec } from '../../lab/host/exec.ts';
import { parseRecord } from '../../lab/nodes/backends/node-records.ts';
import { cnilab } from '../rig/cnilab.ts';
import { RECORDS } from '../rig/launched.ts';
import { startReleaseServer } from '../rig/release-server.ts';
import { until } from '../rig/until.ts';
import { artifactsIn, makeFolder, realPins, signal } from '../sources/rig.ts';

/** The user's own cache, because a build of Kubernetes takes minutes. The first test builds it. */
const world = ambientWorld();
const folder = makeFolder();
const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
afterAll(() => rmSync(folder, { recursive: true }));

const kubernetes = { component: 'kubernetes', version: '1.24.17', source: 'gomod' } as const;
const etcd = { component: 'etcd', version: '3.5.6', source: 'gomod' } as const;
const made = openArtifacts(world, { pins: readPins(world), flags: {}, emit: () => undefined }).ensureAll(
  [kubernetes, etcd],
  signal,
);

const VERSION_QUESTIONS = [
  [kubernetes, ['kubelet', '--version'], 'Kubernetes v1.24.17\n'],
  [kubernetes, ['kube-apiserver', '--version'], 'Kubernetes v1.24.17\n'],
  [kubernetes, ['kube-controller-manager', '--version'], 'Kubernetes v1.24.17\n'],
  [kubernetes, ['kube-scheduler', '--version'], 'Kubernetes v1.24.17\n'],
  [kubernetes, ['kube-proxy', '--version'], 'Kubernetes v1.24.17\n'],
  [kubernetes, ['kubeadm', 'version', '-o', 'short'], 'v1.24.17\n'],
  [kubernetes, ['kubectl', 'version', '--client', '--short'], 'Client Version: v1.24.17\n'],
  [etcd, ['etcd', '--version'], 'etcd Version: 3.5.6\n'],
] as const;

test.each(VERSION_QUESTIONS)('%j, built from Go modules: %j', async (ref, [program, ...argv], says) => {
  const { hostPath } = (await made)(ref);
  const printed = execFileSync(join(hostPath, 'bin', program), argv, { encoding: 'utf8', stdio: 'pipe' });
  expect(printed.slice(0, says.length)).toBe(says);
});

test('from a server with the official layout it is a release, and a changed byte is detected', async () => {
  const all = await made;
  const pins = realPins();
  const server = await startReleaseServer({ folder, pins, arch });
  try {
    const served = {
      kubernetes: server.serve('kubernetes', all(kubernetes)),
      etcd: server.serve('etcd', all(etcd)),
    };
    const withSum = (component: keyof typeof served, version: string) => {
      const { release, ...rest } = pins.components[component];
      const sums = { ...release.sums, [version]: { [arch]: served[component].sum } };
      return { ...rest, release: { ...release, sums } };
    };
    const components = {
      ...pins.components,
      kubernetes: withSum('kubernetes', kubernetes.version),
      etcd: withSum('etcd', etcd.version),
    };
    const options = { pins: { ...pins, components }, arch, mirror: server.mirror } as const;
    const refs = [
      { ...kubernetes, source: 'release' },
      { ...etcd, source: 'release' },
    ] as const;

    const spoiled = server.spoil(served.etcd.url);
    await expect(artifactsIn(folder, options).artifacts.ensureAll([refs[1]], signal)).rejects.toThrow(
      `${served.etcd.url}: wanted sha256 ${served.etcd.sum}, got ${spoiled} over `,
    );
    server.spoil(served.etcd.url);
    const released = await artifactsIn(folder, options).artifacts.ensureAll(refs, signal);
    expect(refs.map((ref) => released(ref).files)).toEqual([kubernetes, etcd].map((ref) => all(ref).files));
    expect(server.asked).toContain(`/v1.24.17/kubernetes-server-linux-${arch}.tar.gz`);
  } finally {
    await server.stop();
  }
});

test('from a local folder it has the version that kubelet reports', async () => {
  const { hostPath, files } = (await made)(kubernetes);
  const ref = await describeLocal({
    component: 'kubernetes',
    hostPath,
    exec: createExec({ env: {} }),
    scratchHostPath: folder,
    signal,
  });
  expect(ref).toEqual({ component: 'kubernetes', source: 'local', hostPath, version: '1.24.17' });
  expect(createLocal().recipe(ref)).toMatchObject({ ok: true });
  expect(files.map(({ path }) => path)).toEqual(
    'kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubeadm kubectl kubelet'
      .split(' ')
      .map((name) => `bin/${name}`),
  );
});

const KUBELET_CONFIG = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: { anonymous: { enabled: true }, webhook: { enabled: false } }
authorization: { mode: AlwaysAllow }
cgroupDriver: cgroupfs
failSwapOn: false
staticPodPath: /etc/kubernetes/manifests
evictionHard: { nodefs.available: 0%, imagefs.available: 0%, memory.available: 0% }
`;
const STATIC_POD = `apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  containers:
    - { name: app, image: "cnilab.local/app:1", imagePullPolicy: Never, command: [sleep, "3600"] }
`;
const CONFLIST = {
  cniVersion: '1.0.0',
  name: 'net',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.85.0.0/24' }]] },
    },
  ],
};

/** A bare node on which a kubelet without an API server runs one static pod. */
async function nodeWithKubelet(name: string): Promise<void> {
  const onto = (nodePath: string, text: string): readonly string[] => {
    const hostPath = join(folder, `${name}-${nodePath.replaceAll('/', '-')}`);
    writeFileSync(hostPath, text);
    return ['--file', `${nodePath}=${hostPath}`];
  };
  const started = await cnilab([
    ...['up', '--backend', 'bare', '--name', name, '--containerd', '1.6.4'],
    ...onto('/etc/cni/net.d/10-net.conflist', JSON.stringify(CONFLIST)),
    ...onto('/etc/kubernetes/kubelet.yaml', KUBELET_CONFIG),
    ...onto('/etc/kubernetes/manifests/web.yaml', STATIC_POD),
  ]);
  expect(started).toMatchObject({ exitCode: 0 });
  const { key } = (await made)(kubernetes);
  // kubelet ends without /dev/kmsg, and a node shows no log of the kernel
  const start = `ln -s null /dev/kmsg && exec setsid /lab/artifacts/${key}/bin/kubelet --config /etc/kubernetes/kubelet.yaml \
    --container-runtime remote --container-runtime-endpoint unix:///run/containerd/containerd.sock > /var/log/kubelet.log 2>&1 &`;
  expect(await cnilab(['enter', name, '--', 'sh', '-c', start])).toMatchObject({ exitCode: 0 });
  await until('a container of the static pod', async () => {
    const { stdout } = await cnilab(['enter', name, '--', 'crictl', 'ps', '-q', '--state', 'running']);
    return stdout.trim();
  });
}

/** The groups that kubelet makes for its pods, of this node, by hierarchy. */
function groupsOfPods(name: string, base = '/sys/fs/cgroup'): readonly string[] {
  return readdirSync(base, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = join(base, entry.name);
    return path.includes(name) && entry.name === 'kubepods' ? [path] : groupsOfPods(name, path);
  });
}

const kubelets = (): string =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('kubelet --config /etc/kubernetes/kubelet.yaml'))
    .join('\n');

test.runIf(process.getuid?.() === 0)(
  'a kubelet runs a static pod on a bare node, in groups of that node alone; nothing of it is left, also after kill -9',
  async () => {
    const overcommit = readFileSync('/proc/sys/vm/overcommit_memory', 'utf8');
    await nodeWithKubelet('test-kubelet');
    expect(groupsOfPods('test-kubelet').length).toBeGreaterThan(0);
    expect(kubelets()).not.toBe('');
    expect(await cnilab(['down', 'test-kubelet'])).toMatchObject({ exitCode: 0 });
    expect({ groups: groupsOfPods('test-kubelet'), kubelets: kubelets() }).toEqual({
      groups: [],
      kubelets: '',
    });

    await nodeWithKubelet('test-kubelet-2');
    const record = readdirSync(RECORDS)
      .filter((file) => file.endsWith('.json'))
      .map((file) => parseRecord(readFileSync(join(RECORDS, file), 'utf8')))
      .find((one) => one?.name === 'test-kubelet-2');
    process.kill(record?.launcherPid ?? NaN, 'SIGKILL');
    await until('the end of kubelet', () => kubelets() === '');
    expect(await cnilab(['clean'])).toMatchObject({ exitCode: 0 });
    expect(groupsOfPods('test-kubelet-2')).toEqual([]);
    expect(readFileSync('/proc/sys/vm/overcommit_memory', 'utf8')).toBe(overcommit);
  },
);
