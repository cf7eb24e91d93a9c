import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { upstreamVersion } from '../../lab/artifacts/sources/debian.ts';
import { SYSTEM_PATH } from '../../lab/artifacts/own/netfilter.ts';
import { BadInput } from '../../lab/core/lab-error.ts';
import { artifactsIn, makeFolder, realPins, signal } from './rig.ts';

const osRelease = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
const isDebian = /^ID=debian$/m.test(osRelease);
const codename = /^VERSION_CODENAME=(.*)$/m.exec(osRelease)?.[1] ?? '';
const folder = makeFolder();
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!isDebian)(`debian${isDebian ? '' : ' (this host is not Debian)'}`, () => {
  test("the distribution's own build is used, without a change to the machine's lists and packages", async () => {
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

  test('a version that no suite has is bad input, with the versions that exist', async () => {
    const ref = { component: 'cni-plugins', version: '9.9.9', source: 'debian' } as const;
    const promise = artifactsIn(folder).artifacts.ensureAll([ref], signal);
    await expect(promise).rejects.toBeInstanceOf(BadInput);
    await expect(promise).rejects.toThrow(
      /no suite has cni-plugins 9\.9\.9; there is .* in bullseye, .* in sid\n/,
    );
  });

  test('iptables comes with the libraries that this host lacks, as plain files', async () => {
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

  test('nft comes in the same way', async () => {
    const artifact = await artifactsIn(folder).artifacts.ensureOwn('nftables', signal);
    const libraries = artifact.files.filter(({ path }) => /usr\/lib\/[^/]+\/lib.*\.so/.test(path));
    const libraryFolders = new Set(libraries.map(({ path }) => join(artifact.hostPath, path, '..')));
    const said = execFileSync(join(artifact.hostPath, 'usr/sbin/nft'), ['--version'], {
      env: { LD_LIBRARY_PATH: [...libraryFolders].join(':') },
      encoding: 'utf8',
    });
    expect(said).toMatch(/^nftables v/);
  });

  test.each(['amd64', 'arm64'] as const)(
    'a root for a node of %s is complete, with its links',
    async (arch) => {
      const artifact = await artifactsIn(folder, { arch }).artifacts.ensureOwn('node-root', signal);
      expect(artifact.files.map(({ path }) => path)).toEqual(['packages.txt', 'root.tar']);
      const root = join(folder, `root-${arch}`);
      mkdirSync(root);
      execFileSync('tar', ['--extract', '--file', join(artifact.hostPath, 'root.tar'), '--directory', root]);
      expect(danglingLinks(root)).toEqual(['var/lock']); // to /run/lock, which is made when a node starts
      const runsHere = process.getuid?.() === 0 && arch === (process.arch === 'x64' ? 'amd64' : 'arm64');
      if (!runsHere) return;
      for (const [said, ...argv] of RUN_ON_A_NODE) {
        const printed = execFileSync('chroot', [root, ...argv], {
          encoding: 'utf8',
          env: { PATH: SYSTEM_PATH },
        });
        expect({ argv, first: printed.split('\n')[0] }).toEqual({
          argv,
          first: expect.stringContaining(said) as string,
        });
      }
    },
  );

  test('the app image is packed from a static busybox', async () => {
    const artifact = await artifactsIn(folder).artifacts.ensureOwn('app-image', signal);
    expect(artifact.files.map(({ path }) => path)).toEqual(['app.tar']);
  });

  test('package lists work offline in a cache that was moved, and through a link to it', async () => {
    const [cache, moved, link] = ['cache', 'moved', 'link'].map((name) => join(folder, name));
    const listed = async (cacheHostPath: string | undefined) => {
      const { artifacts } = artifactsIn(folder, { cacheHostPath: cacheHostPath ?? '', offline: true });
      const all = await artifacts.versions('runc', signal);
      return all.find(({ source }) => source === 'debian')?.versions;
    };
    const before = await listed(cache);
    expect(before?.ok === true && before.value).toContain(realPins().suites[codename]?.runc);
    renameSync(cache ?? '', moved ?? '');
    symlinkSync(moved ?? '', link ?? '');
    expect(await listed(link)).toEqual(before);
    rmSync(link ?? '');
    expect(await listed(moved)).toEqual(before);
  });
});

/** Output of a node's programs, in a root without a host below it. */
const RUN_ON_A_NODE = [
  ['(nf_tables)', 'iptables', '--version'],
  ['(nf_tables)', 'ip6tables-save', '--version'],
  ['nftables v', 'nft', '--version'],
  ['iproute2', 'ip', '-V'],
  ['util-linux', 'mount', '--version'],
  ['util-linux', 'nsenter', '--version'],
  ['kmod version', 'modprobe', '--version'],
  ['0:0', 'awk', '-F:', '$1 == "root" { print $3 ":" $4 }', '/etc/passwd'],
  ['hello', 'bash', '-c', 'echo hello | sed s/x/y/ | grep hello'],
  ['/usr/bin/sh', 'sh', '-c', 'which sh'],
] as const;

/** Links with a missing target in this root. Absolute links are relative to the root. */
function danglingLinks(root: string): readonly string[] {
  const leadsSomewhere = (path: string, hops = 0): boolean => {
    const hostPath = join(root, path);
    if (hops > 20 || (!existsSync(hostPath) && lstatSync(hostPath, { throwIfNoEntry: false }) === undefined))
      return false;
    if (!lstatSync(hostPath).isSymbolicLink()) return true;
    return leadsSomewhere(resolve('/', dirname(path), readlinkSync(hostPath)).slice(1), hops + 1);
  };
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !leadsSomewhere(path));
}

/** apt's lists on this machine, by name. */
const machineLists = (): readonly string[] => readdirSync('/var/lib/apt/lists').sort();
