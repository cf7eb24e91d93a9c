import { copyFile, lstat, mkdir, readdir, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The root's old folders, which are links into usr/ on any system of today. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** By name, what update-alternatives makes of it: iptables of the nft flavour, as every distribution has it. */
const ALTERNATIVES: Readonly<Record<string, string>> = {
  'usr/bin/awk': 'mawk',
  'usr/bin/which': 'which.debianutils',
  ...Object.fromEntries(
    ['iptables', 'ip6tables'].flatMap((name) =>
      ['', '-save', '-restore'].map((verb) => [`usr/sbin/${name}${verb}`, `${name}-nft${verb}`]),
    ),
  ),
};

/** What maintainer scripts copy to its place on a new system, and where each has it from. */
const COPIES: Readonly<Record<string, string>> = {
  'etc/passwd': 'usr/share/base-passwd/passwd.master',
  'etc/group': 'usr/share/base-passwd/group.master',
  'etc/nsswitch.conf': 'usr/share/libc-bin/nsswitch.conf',
};

/** What lies in a tmpfs since long, under its old name. */
const OF_RUN: Readonly<Record<string, string>> = { 'var/run': '/run', 'var/lock': '/run/lock' };

/** Documents, and what serves only a system that is installed, translated or booted by systemd. */
const NOT_ON_A_NODE = [
  'etc/cron.daily',
  'etc/init.d',
  'etc/rmt',
  'etc/systemd',
  'usr/lib/systemd',
  ...['bash-completion', 'bug', 'doc', 'info', 'lintian', 'locale', 'man', 'menu', 'perl5', 'zsh'].map(
    (name) => `usr/share/${name}`,
  ),
];

/**
 * Makes a tree of unpacked Debian packages into a root, as their maintainer scripts would have, as far as a node needs it:
 * one usr/, alternatives, accounts. Libraries are found without ld.so.cache, as Debian's loader knows its own folders.
 */
export async function configureRoot(rootHostPath: string): Promise<void> {
  const at = (path: string) => join(rootHostPath, path);
  for (const path of NOT_ON_A_NODE) await rm(at(path), { recursive: true, force: true });
  for (const name of MERGED) {
    if (!(await isFolder(at(name)))) continue;
    await moveInto(at(name), at(`usr/${name}`));
    await symlink(`usr/${name}`, at(name));
  }
  const ofArch = (await readdir(at('usr/lib'))).filter((name) => name.endsWith('-linux-gnu'));
  for (const name of ofArch) await rm(at(`usr/lib/${name}/gconv`), { recursive: true, force: true }); // iconv's
  for (const [path, target] of Object.entries(ALTERNATIVES)) await symlink(target, at(path));
  for (const [path, from] of Object.entries(COPIES)) await copyFile(at(from), at(path));
  for (const [path, target] of Object.entries(OF_RUN)) {
    await rm(at(path), { recursive: true, force: true });
    await symlink(target, at(path));
  }
}

/** Where both have a folder, the two become one; where both have a file, they were never meant for one system. */
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
