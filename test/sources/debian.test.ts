import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { upstreamVersion } from '../../lab/artifacts/debian-version.ts';
import { BadInput } from '../../lab/core/lab-error.ts';
import { artifactsIn, makeFolder, realPins, signal } from './rig.ts';

const osRelease = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
const isDebian = /^ID=debian$/m.test(osRelease);
const codename = /^VERSION_CODENAME=(.*)$/m.exec(osRelease)?.[1] ?? '';
const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!isDebian)(`debian${isDebian ? '' : ' (this host is not Debian)'}`, () => {
  test("the distribution's own build, without a change to the machine's lists and packages", async () => {
    const before = [machineLists(), readFileSync('/var/lib/dpkg/status', 'utf8')];
    const version = realPins().suites[codename]?.runc ?? 'none';
    const ref = { component: 'runc', version, source: 'debian' } as const;
    const { artifacts, events } = artifactsIn(folder);
    const artifact = (await artifacts.ensureAll([ref], signal))(ref);
    expect(artifact.files.map(({ path, executable }) => ({ path, executable }))).toEqual([
      { path: 'bin/runc', executable: true },
    ]);
    expect(upstreamVersion(/^apt-get download runc=(\S+) /.exec(artifact.madeBy)?.[1] ?? '')).toBe(version);
    expect(execFileSync(join(artifact.hostPath, 'bin/runc'), ['--version'], { encoding: 'utf8' })).toContain(
      `runc version ${version}`,
    );
    expect(events.map(({ kind }) => kind)).toEqual([
      'artifact-progress',
      'artifact-progress',
      'artifact-ready',
    ]);
    expect([machineLists(), readFileSync('/var/lib/dpkg/status', 'utf8')]).toEqual(before);
  });

  test('a version that no suite has is bad input that tells what there is', async () => {
    const ref = { component: 'cni-plugins', version: '9.9.9', source: 'debian' } as const;
    const promise = artifactsIn(folder).artifacts.ensureAll([ref], signal);
    await expect(promise).rejects.toBeInstanceOf(BadInput);
    await expect(promise).rejects.toThrow(
      /no suite has cni-plugins 9\.9\.9; there is .* in bullseye, .* in sid\n/,
    );
  });

  test('iptables, with the libraries that this host lacks, as plain files', async () => {
    const artifact = await artifactsIn(folder).artifacts.ensureOwn('iptables', signal);
    const paths = artifact.files.map(({ path }) => path);
    for (const name of [
      'iptables',
      'iptables-save',
      'iptables-restore',
      'ip6tables',
      'ip6tables-save',
      'ip6tables-restore',
    ]) {
      expect(paths).toContain(`usr/sbin/${name}`);
    }
    expect(paths.filter((path) => !path.startsWith('usr/'))).toEqual([]);
    const libraries = artifact.files.filter(({ path }) => /usr\/lib\/[^/]+\/lib.*\.so/.test(path));
    const libraryFolders = new Set(libraries.map(({ path }) => join(artifact.hostPath, path, '..')));
    const said = execFileSync(join(artifact.hostPath, 'usr/sbin/iptables'), ['--version'], {
      env: { LD_LIBRARY_PATH: [...libraryFolders].join(':') },
      encoding: 'utf8',
    });
    expect(said).toMatch(/^iptables v[\d.]+ \((nf_tables|legacy)\)$/m);
  });

  test('the app image is packed from a static busybox', async () => {
    const artifact = await artifactsIn(folder).artifacts.ensureOwn('app-image', signal);
    expect(artifact.files.map(({ path }) => path)).toEqual(['app.tar']);
  });
});

/** What apt knows on this machine, by name and time. */
const machineLists = (): readonly string[] => readdirSync('/var/lib/apt/lists').sort();
