import {
  appendFile,
  readdir,
  writeFile,
  copyFile,
  lstat,
  mkdir,
  rename,
  rm,
  rmdir,
  symlink,
} from 'node:fs/promises';
import { join, dirname } from 'node:path';

import type { Exec } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Arch } from '../../core/components.ts';
import type { Apt, DebianPackage } from '../apt/apt.ts';
import type { Recipe, Refusal } from '../artifact.ts';

export interface NodeRootOptions {
  readonly arch: Arch;
  readonly apt: Pick<Apt, 'allFor' | 'unpack'>;
  readonly exec: Exec;
}

/** The same release on every host, so that nodes only differ in what is under test. */
export const NODE_ROOT_SUITE = 'bookworm';

/** What the agent, the steps, runc and CNI plugins run on a node, and common tools for a user who logs in. */
const PACKAGES = [
  ...['base-files', 'base-passwd', 'netbase', 'libc-bin', 'usr-is-merged'],
  ...[
    'bash',
    'dash',
    'coreutils',
    'diffutils',
    'findutils',
    'grep',
    'gzip',
    'hostname',
    'mawk',
    'sed',
    'tar',
  ],
  ...['kmod', 'mount', 'procps', 'util-linux'],
  ...['iproute2', 'iptables', 'nftables', 'libseccomp2'],
  'libglib2.0-0', // for conmon, which monitors the containers of CRI-O
];

/** Packages that others need only for their maintainer scripts. The scripts are not run. */
const FOR_SCRIPTS = ['debconf', 'dpkg', 'init-system-helpers', 'libdebconfclient0', 'perl-base'];

/** What a node of kind has besides: systemd, and what kubeadm, kubelet and kube-proxy look for. */
const KIND_PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'ethtool', 'socat', 'conntrack'];

/** The roots of nodes: with the agent as the first process, or with systemd. */
export type NodeRootName = 'node-root' | 'kind-root';

/** The packages that other packages need and a node does not have. */
export async function packagesBeyondNodeRoot(
  names: readonly string[],
  { apt, signal }: { readonly apt: Pick<Apt, 'allFor'>; readonly signal: AbortSignal },
): Promise<Result<readonly DebianPackage[], Refusal>> {
  const ofRoot = await apt.allFor(PACKAGES, NODE_ROOT_SUITE, signal);
  if (!ofRoot.ok) return ofRoot;
  const needed = await apt.allFor([...PACKAGES, ...names], NODE_ROOT_SUITE, signal);
  if (!needed.ok) return needed;
  const there = new Set([...ofRoot.value.map(({ name }) => name), ...FOR_SCRIPTS]);
  return ok(needed.value.filter(({ name }) => !there.has(name)));
}

/**
 * The file system of a node that does not use the file system of its host: root.tar. Links stay links, everything is
 * owned by root and has no times, so that the same packages give the same bytes. Made from Debian packages, which are
 * unpacked but not installed.
 */
export function nodeRootRecipe(name: NodeRootName, { arch, apt, exec }: NodeRootOptions): Recipe {
  const withSystemd = name === 'kind-root';
  const wanted = [...PACKAGES, ...(withSystemd ? KIND_PACKAGES : [])];
  return {
    source: 'own',
    name,
    version: NODE_ROOT_SUITE,
    request: JSON.stringify({
      own: name,
      arch,
      suite: NODE_ROOT_SUITE,
      packages: wanted,
      revision: 1,
    }),
    async make(treeHostPath, { signal, scratchHostPath, progress }) {
      progress('asking apt');
      const needed = await apt.allFor(wanted, NODE_ROOT_SUITE, signal);
      if (!needed.ok)
        return err({
          ...needed.error,
          source: 'own',
          wayOut: `run the lab on a Debian host, whose apt can have packages of ${NODE_ROOT_SUITE}`,
        });
      const packages = needed.value.filter(({ name }) => !FOR_SCRIPTS.includes(name));
      progress(`downloading ${packages.length} packages of ${NODE_ROOT_SUITE}`);
      const rootHostPath = join(scratchHostPath, 'root');
      const unpacked = await apt.unpack(packages, { treeHostPath: rootHostPath, scratchHostPath, signal });
      if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });

      progress('packing root.tar');
      await configureRoot(rootHostPath, { withSystemd });
      const packed = await exec([...TAR, join(treeHostPath, 'root.tar'), ...(await readdir(rootHostPath))], {
        cwd: rootHostPath,
        signal,
      });
      if (packed.exitCode !== 0)
        return err({ source: 'own', reason: 'broken', why: `root.tar: ${packed.stderr.trim()}` });
      const lines = packages.map(({ name, version }) => `${name} ${version}\n`).sort();
      await writeFile(join(treeHostPath, 'packages.txt'), lines.join(''));
      return ok({
        madeBy: `apt-get download of ${packages.length} packages (${NODE_ROOT_SUITE}), see packages.txt`,
      });
    },
  };
}

/**
 * Options of GNU tar that give the same bytes each time. On a node every user is root, so set-user-ID bits are not
 * needed.
 */
const TAR = [
  ...['tar', '--create', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'],
  ...['--mode=ug-s', '--format=gnu', '--file'],
];

/** Old top-level directories that are links into usr/ on all current systems. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** What update-alternatives creates, by name. iptables is the nft flavour, as in every distribution. */
const ALTERNATIVES: Readonly<Record<string, string>> = {
  'usr/bin/awk': 'mawk',
  'usr/bin/which': 'which.debianutils',
  ...Object.fromEntries(
    ['iptables', 'ip6tables'].flatMap((name) =>
      ['', '-save', '-restore'].map((verb) => [`usr/sbin/${name}${verb}`, `${name}-nft${verb}`]),
    ),
  ),
};

/** Files that maintainer scripts copy on a new system, and their origins. */
const COPIES: Readonly<Record<string, string>> = {
  'etc/passwd': 'usr/share/base-passwd/passwd.master',
  'etc/group': 'usr/share/base-passwd/group.master',
  'etc/nsswitch.conf': 'usr/share/libc-bin/nsswitch.conf',
};

/** Directories that are now in a tmpfs, by their old names. */
const OF_RUN: Readonly<Record<string, string>> = { 'var/run': '/run', 'var/lock': '/run/lock' };

/** Documentation, and files that only an installed, translated or systemd-booted system needs. */
const NOT_ON_A_NODE = [
  'etc/cron.daily',
  'etc/init.d',
  'etc/rmt',
  ...['bash-completion', 'bug', 'doc', 'info', 'lintian', 'locale', 'man', 'menu', 'perl5', 'zsh'].map(
    (name) => `usr/share/${name}`,
  ),
];

const OF_SYSTEMD = ['etc/systemd', 'usr/lib/systemd'];

/** Accounts that maintainer scripts of systemd and D-Bus make: lines of etc/passwd and etc/group. */
const ACCOUNTS_OF_SYSTEMD = {
  'etc/passwd': 'messagebus:x:100:101::/nonexistent:/usr/sbin/nologin\n',
  'etc/group': 'messagebus:x:101:\nsystemd-journal:x:999:\n',
};

/**
 * Turns a tree of unpacked Debian packages into a root file system. Does what maintainer scripts would do, as far as a
 * node needs it: merged usr/, alternatives, accounts. Libraries are found without ld.so.cache, because the loader of
 * Debian knows its own directories.
 */
export async function configureRoot(
  rootHostPath: string,
  { withSystemd = false }: { readonly withSystemd?: boolean } = {},
): Promise<void> {
  const at = (path: string) => join(rootHostPath, path);
  for (const path of [...NOT_ON_A_NODE, ...(withSystemd ? [] : OF_SYSTEMD)])
    await rm(at(path), { recursive: true, force: true });
  for (const name of MERGED) {
    if (!(await isFolder(at(name)))) continue;
    await moveInto(at(name), at(`usr/${name}`));
    await symlink(`usr/${name}`, at(name));
  }
  const ofArch = (await readdir(at('usr/lib'))).filter((name) => name.endsWith('-linux-gnu'));
  for (const name of ofArch) await rm(at(`usr/lib/${name}/gconv`), { recursive: true, force: true }); // of iconv
  for (const [path, target] of Object.entries(ALTERNATIVES)) await symlink(target, at(path));
  for (const [path, from] of Object.entries(COPIES)) await copyFile(at(from), at(path));
  if (withSystemd)
    for (const [path, lines] of Object.entries(ACCOUNTS_OF_SYSTEMD)) await appendFile(at(path), lines);
  for (const [path, target] of Object.entries(OF_RUN)) {
    await rm(at(path), { recursive: true, force: true });
    await symlink(target, at(path));
  }
}

/** If both have a directory, the two are merged. Packages of one system do not have two files with the same path. */
async function moveInto(from: string, to: string): Promise<void> {
  if (!(await isFolder(to))) {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
    return;
  }
  for (const name of await readdir(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    if (await isFolder(source)) await moveInto(source, target);
    else await rename(source, target);
  }
  await rmdir(from);
}

const isFolder = async (hostPath: string): Promise<boolean> =>
  (await lstat(hostPath).catch(() => undefined))?.isDirectory() === true;
