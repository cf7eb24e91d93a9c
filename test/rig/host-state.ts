import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

import { commandOf, pids, RECORDS } from './launched.ts';

/**
 * Everything that a lab could leave on this host, as one value, so that two moments can be compared. Another lab changes
 * it too, so a test file that compares it runs alone: its name ends in .alone.test.ts.
 */
export interface HostState {
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly netns: readonly string[];
  readonly links: readonly string[];
  readonly rules: string;
  readonly cgroups: readonly string[];
  readonly temporaryFiles: readonly string[];
  readonly etc: readonly string[];
}

/** `ignore`: folders below /tmp that belong to the test. */
export function hostState(ignore: readonly string[] = []): HostState {
  return {
    processes: labProcesses(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(3).join(' '))
      .sort(),
    netns: [...new Set(['/run/netns', '/var/run/netns'].flatMap(list).concat(networkNamespaces()))].sort(),
    links: readdirSync('/sys/class/net').sort(),
    rules: kernelTables(),
    cgroups: cgroupFolders('/sys/fs/cgroup').sort(),
    temporaryFiles: ['/tmp', '/var/tmp', '/dev/shm', '/run']
      .flatMap(list)
      .filter((path) => !ignore.some((own) => path.startsWith(own))),
    etc: [
      '/etc/cni',
      '/opt/cni',
      '/var/lib/cni',
      '/var/lib/containerd',
      '/run/containerd',
      '/etc/containerd',
      '/usr/local/bin',
      '/root',
      RECORDS,
      MOUNT_POINT,
    ]
      .flatMap(list)
      .filter((path) => path !== MOUNT_POINT),
  };
}

/** An empty folder that the first node makes. Each node mounts its root on it, in a mount namespace of its own. */
const MOUNT_POINT = join(RECORDS, 'root');

/** Processes that only a lab starts, found by their program, and not by who started them. */
function labProcesses(): string[] {
  return pids()
    .map((pid) => ({ pid, exe: linkOf(`/proc/${pid}/exe`), command: commandOf(pid) }))
    .filter(
      ({ exe, command }) =>
        /\/cnilab\/|containerd|\/pause$|\/runc$/.test(`${exe} ${command}`) && !command.includes('vitest'),
    )
    .map(({ exe, command }) => `${exe} ${command}`)
    .sort();
}

/** The network namespaces of all processes. A leaked one without processes shows as a mount. */
const networkNamespaces = (): string[] =>
  [...new Set(pids().map((pid) => linkOf(`/proc/${pid}/ns/net`)))].filter((ns) => ns !== '');

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const list = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];

/**
 * The host's tables and rules, from whatever can show them here. Without such a program, the tables of the
 * kernel modules.
 */
function kernelTables(): string {
  for (const argv of [['iptables-save'], ['nft', 'list', 'ruleset']]) {
    try {
      return execFileSync(argv[0] ?? '', argv.slice(1), {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).replaceAll(/^#.*$/gm, '');
    } catch {
      // not installed: the next one is tried
    }
  }
  return ['ip_tables_names', 'ip6_tables_names']
    .map((name) => (existsSync(`/proc/net/${name}`) ? readFileSync(`/proc/net/${name}`, 'utf8') : ''))
    .join('');
}

function cgroupFolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [join(folder, entry.name), ...cgroupFolders(join(folder, entry.name))]);
}
