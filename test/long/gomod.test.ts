import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { BadInput, LabError } from '../../lab/core/lab-error.ts';
import { findProgram } from '../../lab/host/exec.ts';
import { artifactsIn, makeFolder, pathWithout, signal } from '../sources/rig.ts';

const go = findProgram('go', process.env.PATH);
const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const plugins = { component: 'cni-plugins', version: '1.1.1', source: 'gomod' } as const;
const runc = { component: 'runc', version: '1.1.15', source: 'gomod' } as const;

describe.skipIf(go === undefined)(`gomod${go === undefined ? ' (there is no go on the PATH)' : ''}`, () => {
  test('a pinned version builds, reports its version, touches nothing outside the cache, and is then available offline', async () => {
    const { artifacts, home } = artifactsIn(folder);
    const artifact = await artifacts.ensureAll([plugins], signal);
    const { files, hostPath, source } = artifact(plugins);
    expect(source).toBe('gomod');
    expect(files.map(({ path }) => path)).toEqual(
      'bandwidth bridge dhcp firewall host-device host-local ipvlan loopback macvlan portmap ptp sbr static tuning vlan vrf'
        .split(' ')
        .map((name) => `bin/${name}`),
    );
    const { stdout, stderr } = spawnSync(join(hostPath, 'bin/bridge'), {
      env: { CNI_COMMAND: '' },
      encoding: 'utf8',
    });
    expect(stdout + stderr).toMatch(/^CNI bridge plugin v1\.1\.1\n/);
    expect(readdirSync(home)).toEqual([]);

    const offline = artifactsIn(folder, { offline: true });
    expect((await offline.artifacts.ensureAll([plugins], signal))(plugins)).toEqual(artifact(plugins));
    expect(offline.events.map(({ kind }) => kind)).toEqual(['artifact-ready']);
  });

  test('runc reports its version, and the checksum of its module in place of a commit', async () => {
    const { cacheHostPath } = ambientWorld(); // scenarios need it too, so it is there
    const artifact = (await artifactsIn(folder, { cacheHostPath }).artifacts.ensureAll([runc], signal))(runc);
    const printed = execFileSync(join(artifact.hostPath, 'bin/runc'), ['--version'], { encoding: 'utf8' });
    expect(printed).toMatch(/^runc version 1\.1\.15\ncommit: h1:/);
  });

  test('the same source gives the same bytes in another place', async () => {
    const { cacheHostPath } = ambientWorld(); // scenarios need it too, so it is there
    const here = (await artifactsIn(folder, { cacheHostPath }).artifacts.ensureAll([plugins], signal))(
      plugins,
    );
    const there = (await artifactsIn(folder).artifacts.ensureAll([plugins], signal))(plugins);
    expect(there.hostPath).not.toBe(here.hostPath);
    expect(there.files).toEqual(here.files);
    expect(there.key).toBe(here.key);
  });

  test('a version that upstream does not have is bad input, with the nearest versions', async () => {
    const ref = { component: 'containerd', version: '1.6.399', source: 'gomod' } as const;
    const promise = artifactsIn(folder).artifacts.ensureAll([ref], signal);
    await expect(promise).rejects.toBeInstanceOf(BadInput);
    await expect(promise).rejects.toThrow(
      /^there is no containerd 1\.6\.399 from gomod\n {2}gomod {4}github\.com\/containerd\/containerd@v1\.6\.399: .*\n {2}the nearest versions that exist: 1\.6\.\d+, /,
    );
  });

  test('if the module proxy cannot be reached, it is not known whether a version exists', async () => {
    const { artifacts } = artifactsIn(makeSubfolder('proxy'), {
      env: { PATH: process.env.PATH, HOME: folder, GOPROXY: 'http://127.0.0.1:9', GOENV: 'off' },
    });
    const promise = artifacts.ensureAll([plugins], signal);
    await expect(promise).rejects.toBeInstanceOf(LabError);
    await expect(promise).rejects.toThrow(
      `cni-plugins 1.1.1 from gomod is not available
  gomod    the Go module proxy does not answer: 127.0.0.1:9 cannot be reached: connect ECONNREFUSED 127.0.0.1:9`,
    );
  });
});

test('without go on the PATH, gomod gives the reason and a solution', async () => {
  const { artifacts } = artifactsIn(makeSubfolder('no-go'), {
    env: { PATH: pathWithout(folder, ['go']), HOME: folder },
  });
  await expect(artifacts.ensureAll([plugins], signal)).rejects.toThrow(
    new LabError(`cni-plugins 1.1.1 from gomod is not available
  gomod    there is no go on the PATH
  ways out: install Go`),
  );
});

const makeSubfolder = (name: string): string => join(folder, name);
