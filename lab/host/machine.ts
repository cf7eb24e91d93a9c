import { readFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Clock } from '../core/ports.ts';

/** Facts about the host for the reader of a recorded run. */
export async function hostFacts(): Promise<Readonly<Record<string, string>>> {
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return {
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? 'unknown',
    kernel: release(),
    arch: arch(),
    cores: String(cpus().length),
    memoryMiB: String(Math.round(totalmem() / 1024 / 1024)),
    cgroups: await cgroupVersions(),
  };
}

async function cgroupVersions(): Promise<string> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  const v1 = / cgroup /.test(mounts);
  const v2 = / cgroup2 /.test(mounts);
  if (v1 && v2) return 'v1 and v2';
  return v1 ? 'v1' : v2 ? 'v2' : 'none';
}

/** What Linux allows unless it is told otherwise: https://www.kernel.org/doc/html/latest/admin-guide/sysctl/fs.html */
const DEFAULT_INOTIFY_INSTANCES = 128;

/** How many instances of inotify one user may have. The default where this host is no Linux, so the nodes are on another machine. */
export async function inotifyInstances(): Promise<number> {
  const text = await readFile('/proc/sys/fs/inotify/max_user_instances', 'utf8').catch(() => '');
  return Number(text.trim()) || DEFAULT_INOTIFY_INSTANCES;
}

/** The clock of the machine. Tests use a clock that takes no time. */
export const systemClock: Clock = {
  now: () => Math.round(performance.now()),
  date: () => new Date(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/**
 * When a process started; undefined if it does not exist. Together with the pid it identifies a process until the
 * machine restarts. Reads fields 3 and 22 of /proc/PID/stat; the second field is a name that may contain spaces and
 * brackets. A zombie counts as gone: when the lab has ended, its parent is the init process of the machine, which may
 * take long to reap it.
 */
export async function startTicks(pid: number): Promise<number | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (thrown) {
    // ESRCH: it ended while its file was read
    if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ESRCH'))
      return undefined;
    throw thrown;
  }
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : Number(fields[18]);
}

const TICKS_PER_SECOND = 100; // USER_HZ; it is the same on every architecture that Linux supports today

/**
 * The current time on the scale of `startTicks`. Changes of the system clock do not affect it. Undefined if there is no
 * /proc.
 */
export async function ticksNow(): Promise<number | undefined> {
  const own = await startTicks(process.pid);
  return own === undefined ? undefined : Math.floor(own + process.uptime() * TICKS_PER_SECOND);
}

/** Milliseconds since a time on that scale. */
export async function msSince(ticks: number): Promise<number | undefined> {
  const now = await ticksNow();
  return now === undefined || now < ticks ? undefined : ((now - ticks) * 1000) / TICKS_PER_SECOND;
}

/** The directory of one recorded run on the host. Everything is written immediately. */
export interface RunFolder {
  readonly hostPath: string;
  /** a file of the run; the path is relative to the directory */
  write(path: string, content: string | Uint8Array): void;
  append(path: string, content: string | Uint8Array): void;
}

/** Creates the directory. It must not exist yet. */
export function createRunFolder(hostPath: string): RunFolder {
  mkdirSync(dirname(hostPath), { recursive: true });
  mkdirSync(hostPath);
  return {
    hostPath,
    write(path, content) {
      const file = join(hostPath, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    },
    append(path, content) {
      appendFileSync(join(hostPath, path), content);
    },
  };
}

/** Whether this path is a directory. False if it does not exist, is a file, or leads through a file. */
export const isFolder = (hostPath: string): boolean =>
  statSync(hostPath, { throwIfNoEntry: false })?.isDirectory() === true;
