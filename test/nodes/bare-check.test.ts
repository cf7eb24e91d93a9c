import { expect, test } from 'vitest';

import { checkBare, hasCapabilities, hasReadOnlyCgroups } from '../../lab/nodes/backends/bare.ts';

test('without Linux, the message has the reason and a solution', () => {
  expect(checkBare('darwin')).toEqual({
    works: false,
    why: 'bare nodes are made of Linux namespaces, and this is darwin',
    waysOut: [
      'run the lab in a Linux virtual machine (on macOS: lima, colima or UTM; on Windows: WSL 2)',
      'run the lab in a privileged Linux container: docker run --rm -it --privileged -v "$PWD:/work" -w /work node:22 …',
    ],
  });
});

test('root means the capabilities that the kernel reports, not a number', () => {
  expect(hasCapabilities('Name:\tnode\nCapEff:\t000001ffffffffff\n')).toBe(true);
  expect(hasCapabilities('CapEff:\t00000000a80425fb\n')).toBe(false); // Docker's default
  expect(hasCapabilities('CapEff:\t0000000000200000\n')).toBe(false); // only CAP_SYS_ADMIN
  expect(hasCapabilities('CapEff:\t0000000000000000\n')).toBe(false);
  expect(hasCapabilities('Name:\tnode\n')).toBe(false);
});

test('a pure v2 hierarchy that is mounted read-only cannot run nodes', () => {
  const sys = '30 20 0:26 / /sys rw,nosuid - sysfs sysfs ro\n';
  const group = (flags: string, kind: string) => `${sys}31 30 0:27 / /sys/fs/cgroup ${flags} - ${kind}\n`;
  expect(hasReadOnlyCgroups(group('rw,nosuid', 'cgroup2 cgroup rw,nsdelegate'))).toBe(false);
  expect(hasReadOnlyCgroups(group('ro,nosuid', 'cgroup2 cgroup rw,nsdelegate'))).toBe(true); // Docker's default
  expect(hasReadOnlyCgroups(group('rw', 'cgroup2 cgroup ro'))).toBe(true);
  expect(hasReadOnlyCgroups(group('ro,nosuid', 'tmpfs tmpfs ro,mode=755'))).toBe(false); // a hybrid host
  expect(hasReadOnlyCgroups(sys)).toBe(false);
});
