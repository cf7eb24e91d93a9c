import { readdirSync, readFileSync, readlinkSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

import { networkOfHost, type HostNetwork } from './host-network.ts';
import { commandOf, pids, RECORDS } from './launched.ts';

/**
 * Everything that a lab could leave on this host, as one value, so that two moments can be compared. Another lab changes
 * it too, so a test file that compares it runs alone: its name ends in .alone.test.ts.
 */
export interface HostState extends HostNetwork {
  readonly processes: readonly string[];
  readonly mounts: readonly string[];
  readonly netns: readonly string[];
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
    ...networkOfHost(),
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

const list = (folder: string): string[] => entriesIn(folder).map(({ name }) => join(folder, name));

const cgroupFolders = (folder: string): string[] =>
  entriesIn(folder)
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => [join(folder, name), ...cgroupFolders(join(folder, name))]);

/** Nothing if the folder does not exist. What a lab removes may disappear at any moment. */
function entriesIn(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}
