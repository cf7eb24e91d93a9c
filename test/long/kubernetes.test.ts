import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createLocal, describeLocal } from '../../lab/artifacts/sources/local.ts';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { openArtifacts, readPins } from '../../lab/assembly/open-artifacts.ts';
import { createExec } from '../../lab/host/exec.ts';
import { startReleaseServer } from '../rig/release-server.ts';
import { artifactsIn, makeFolder, realPins, signal } from '../sources/rig.ts';

/** The user's own cache, as a build of Kubernetes takes minutes: whatever test comes first builds it. */
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
  const said = execFileSync(join(hostPath, 'bin', program), argv, { encoding: 'utf8', stdio: 'pipe' });
  expect(said.slice(0, says.length)).toBe(says);
});

test('as a release, from a server with the official layout; a changed byte is found out', async () => {
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

test('as a local folder, with the version that kubelet says', async () => {
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
