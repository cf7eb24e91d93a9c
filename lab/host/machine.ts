import { readFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

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
