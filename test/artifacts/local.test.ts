import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocal, describeLocal } from '../../lab/artifacts/sources/local.ts';
import { BadInput } from '../../lab/core/lab-error.ts';
import { createExec } from '../../lab/host/exec.ts';
import type { ComponentName } from '../../lab/core/components.ts';

const exec = createExec({ env: { PATH: '/usr/bin:/bin' } });
const signal = new AbortController().signal;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnilab-local-'));
  mkdirSync(join(folder, 'scratch'));
  mkdirSync(join(folder, 'tree'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function program(path: string, says: string, exitCode = 0): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), `#!/bin/sh\necho '${says}' >&2\nexit ${exitCode}\n`);
  chmodSync(join(folder, path), 0o755);
}

function containerdAt(path: string): void {
  program(`${path}/containerd`, 'containerd github.com/containerd/containerd v1.6.3-dirty 123abc.m');
  program(`${path}/containerd-shim-runc-v2`, '');
  program(`${path}/ctr`, '');
}

const describe = (component: ComponentName, path: string) =>
  describeLocal({
    component,
    hostPath: join(folder, path),
    exec,
    scratchHostPath: join(folder, 'scratch'),
    signal,
  });

async function make(component: ComponentName, path: string) {
  const recipe = createLocal().recipe({
    component,
    version: '1.0.0',
    source: 'local',
    hostPath: join(folder, path),
  });
  if (!recipe.ok) return recipe;
  return recipe.value.make(join(folder, 'tree'), {
    signal,
    scratchHostPath: join(folder, 'scratch'),
    progress: () => undefined,
  });
}

test.each(['build', 'build/bin'])(
  'a folder of programs (%s) has the version that its containerd reports',
  async (path) => {
    containerdAt(path);
    program(`${path}/containerd-stress`, '');
    expect(await describe('containerd', 'build')).toEqual({
      component: 'containerd',
      source: 'local',
      hostPath: join(folder, 'build'),
      version: '1.6.3-dirty',
    });
    expect(await make('containerd', 'build')).toEqual({ ok: true, value: { madeBy: join(folder, 'build') } });
    expect(readdirSync(join(folder, 'tree/bin'))).toEqual(['containerd', 'containerd-shim-runc-v2', 'ctr']);
  },
);

test('a single binary of any name is the given component', async () => {
  program('my-runc-build', 'runc version 1.2.0-rc.1+dev');
  expect(await describe('runc', 'my-runc-build')).toMatchObject({ version: '1.2.0-rc.1+dev' });
  await make('runc', 'my-runc-build');
  expect(readFileSync(join(folder, 'tree/bin/runc'), 'utf8')).toContain('1.2.0-rc.1+dev');
});

test('a folder of Kubernetes programs has the version that its kubelet reports', async () => {
  const programs =
    'kubeadm kubectl kubelet kube-apiserver kube-controller-manager kube-proxy kube-scheduler'.split(' ');
  for (const name of programs)
    program(`build/${name}`, name === 'kubelet' ? 'Kubernetes v1.24.17-dirty' : '');
  expect(await describe('kubernetes', 'build')).toMatchObject({ version: '1.24.17-dirty' });
  await make('kubernetes', 'build');
  expect(readdirSync(join(folder, 'tree/bin')).sort()).toEqual([...programs].sort());
  rmSync(join(folder, 'build/kube-proxy'));
  await expect(describe('kubernetes', 'build')).rejects.toThrow(
    `local:${join(folder, 'build')} is no kubernetes: it has no kube-proxy`,
  );
});

test('a single plugin of any name is a set of plugins', async () => {
  program('plugins/my-cni', 'CNI my-cni plugin v0.3.0', 0);
  expect(await describe('cni-plugins', 'plugins')).toMatchObject({ version: '0.3.0' });
  await make('cni-plugins', 'plugins');
  expect(readdirSync(join(folder, 'tree/bin'))).toEqual(['my-cni']);
});

test.each([
  ['runc', 'runc version unknown', 0],
  ['cni-plugins', 'CNI my-cni plugin version unknown', 0],
  ['cni-plugins', 'environment variable CNI_COMMAND required', 1],
] as const)(
  'a plain build that does not report its version is accepted: %s, %s',
  async (component, says, exitCode) => {
    program('build/runc', says, exitCode);
    expect(await describe(component, 'build')).toMatchObject({ version: '0.0.0-local' });
  },
);

test('an archive is unpacked like a release', async () => {
  const tar = pack();
  tar.entry({ name: 'crictl', mode: 0o755 }, '#!/bin/sh\necho crictl version v1.25.0\n');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  writeFileSync(join(folder, 'crictl.tar.gz'), gzipSync(Buffer.concat(chunks)));
  expect(await describe('crictl', 'crictl.tar.gz')).toMatchObject({ version: '1.25.0' });
});

test('a path that is not the given component is bad input', async () => {
  const refuses = (component: ComponentName, path: string, message: string) =>
    expect(describe(component, path)).rejects.toThrow(new BadInput(message));
  await refuses('runc', 'nowhere', `local:${join(folder, 'nowhere')} is no runc: it does not exist`);

  mkdirSync(join(folder, 'empty'));
  await refuses('runc', 'empty', `local:${join(folder, 'empty')} is no runc: it has none of runc`);

  program('half/containerd', 'containerd v1.6.3');
  const half = join(folder, 'half');
  await refuses(
    'containerd',
    'half',
    `local:${half} is no containerd: it has no containerd-shim-runc-v2, no ctr`,
  );

  program('mute', 'hello', 3);
  await refuses(
    'runc',
    'mute',
    `local:${join(folder, 'mute')} is no runc: runc --version exited with 3 and printed "hello"`,
  );
});

test('a rebuilt program is a new request, and an unchanged one is the same request', () => {
  program('runc', 'runc version 1.0.0');
  const request = () => {
    const recipe = createLocal().recipe({
      component: 'runc',
      version: '1.0.0',
      source: 'local',
      hostPath: join(folder, 'runc'),
    });
    return recipe.ok ? recipe.value.request : undefined;
  };
  const before = request();
  expect(request()).toBe(before);
  program('runc', 'runc version 1.0.0 rebuilt');
  expect(request()).not.toBe(before);
});

test('a plugin for another processor is accepted without its version; a containerd has to report it', async () => {
  const forNoMachine = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.alloc(64)]);
  for (const name of ['my-cni', 'containerd', 'containerd-shim-runc-v2', 'ctr'])
    writeFileSync(join(folder, name), forNoMachine, { mode: 0o755 });
  expect(await describe('cni-plugins', 'my-cni')).toMatchObject({ version: '0.0.0-local' });
  await expect(describe('containerd', '.')).rejects.toThrow(/containerd --version exited with 127/);

  writeFileSync(join(folder, 'my-cni'), 'a text');
  await expect(describe('cni-plugins', 'my-cni')).rejects.toThrow(BadInput);
});
