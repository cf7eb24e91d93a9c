import { existsSync, readFileSync } from 'node:fs';

import type { BackendCheck } from '../node.ts';

/** CAP_SYS_ADMIN, https://man7.org/linux/man-pages/man7/capabilities.7.html */
const SYS_ADMIN = 1n << 21n;
const NET_ADMIN = 1n << 12n;

const NAMESPACES = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup'];

/** Whether bare nodes are available here, from what the kernel says of this process; nothing is tried, nothing is started. */
export function checkBare(platform: NodeJS.Platform): BackendCheck {
  if (platform !== 'linux') {
    return {
      works: false,
      why: `bare nodes are made of Linux namespaces, and this is ${platform}`,
      waysOut: [
        'run the lab in a Linux virtual machine (on macOS: lima, colima or UTM; on Windows: WSL 2)',
        'run the lab in a privileged Linux container: docker run --rm -it --privileged -v "$PWD:/work" -w /work node:22 …',
      ],
    };
  }
  const missing = NAMESPACES.filter((namespace) => !existsSync(`/proc/self/ns/${namespace}`));
  if (missing.length > 0) {
    return {
      works: false,
      why: `this kernel has no ${missing.join(', ')} namespaces`,
      waysOut: [
        'run the lab on a kernel of a general-purpose distribution, in a virtual machine for instance',
      ],
    };
  }
  if (!hasCapabilities(readFileSync('/proc/self/status', 'utf8'))) {
    return {
      works: false,
      why: 'making namespaces and mounts needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)',
      waysOut: [
        'run the same command with sudo: sudo -E env "PATH=$PATH" …',
        'in a container: start it with --privileged',
        'without root: take --backend vm',
      ],
    };
  }
  if (hasReadOnlyCgroups(readFileSync('/proc/self/mountinfo', 'utf8'))) {
    return {
      works: false,
      why: '/sys/fs/cgroup is read-only here, so that a node can have no group of its own',
      waysOut: [
        'in a container: start it with --privileged',
        'make it writable: mount -o remount,bind,rw /sys/fs/cgroup',
      ],
    };
  }
  return { works: true, how: 'Linux namespaces on this host' };
}

/** From /proc/self/status. */
export function hasCapabilities(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return false;
  const capabilities = BigInt(`0x${effective}`);
  return (capabilities & SYS_ADMIN) !== 0n && (capabilities & NET_ADMIN) !== 0n;
}

/**
 * From /proc/self/mountinfo: a pure v2 host's hierarchy that cannot be written, as containers have it that are not
 * privileged. With v1, a node does without those that are read-only.
 */
export function hasReadOnlyCgroups(mountinfo: string): boolean {
  const top = mountinfo.split('\n').findLast((line) => line.split(' ')[4] === '/sys/fs/cgroup');
  if (top === undefined || !top.includes(' - cgroup2 ')) return false;
  return [top.split(' ')[5], top.split(' ').at(-1)].some((flags) => flags?.split(',')[0] === 'ro');
}
