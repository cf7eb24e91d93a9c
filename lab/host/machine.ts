import { readFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Clock } from '../core/ports.ts';

/** What a reader of a recorded run wants to know of the host it ran on. */
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

/** The machine's own clock; tests hand down one that takes no time. */
export const systemClock: Clock = {
  now: () => Math.round(performance.now()),
  date: () => new Date(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/**
 * When a process began, which with its pid names one process for as long as the machine is up; undefined when there is
 * none. Fields 3 and 22 of /proc/PID/stat; the second is a name that may have spaces and brackets. A process that has ended
 * and waits for its parent to notice is gone: after the lab, that parent is the machine's first process, which may take long.
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

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every architecture that Linux runs on today

/** This moment on the scale of `startTicks`, which no change of the machine's clock moves; undefined where there is no /proc. */
export async function ticksNow(): Promise<number | undefined> {
  const own = await startTicks(process.pid);
  return own === undefined ? undefined : Math.floor(own + process.uptime() * TICKS_PER_SECOND);
}

/** How long ago a moment on that scale was. */
export async function msSince(ticks: number): Promise<number | undefined> {
  const now = await ticksNow();
  return now === undefined || now < ticks ? undefined : ((now - ticks) * 1000) / TICKS_PER_SECOND;
}

/** The folder of one recorded run on the host. Everything is written the moment it is known. */
export interface RunFolder {
  readonly hostPath: string;
  /** a file of the run, by its path below the folder */
  write(path: string, content: string | Uint8Array): void;
  append(path: string, content: string | Uint8Array): void;
}

/** Makes the folder; it must not be there yet. */
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

/** Whether there is a folder at this path, and not nothing, a file, or a path through a file. */
export const isFolder = (hostPath: string): boolean =>
  statSync(hostPath, { throwIfNoEntry: false })?.isDirectory() === true;
