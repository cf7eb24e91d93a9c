import { expect, test } from 'vitest';

import { qemuArgs } from '../../../lab/nodes/backends/vm/qemu-args.ts';

const machine = {
  name: 'lab-1',
  arch: 'amd64',
  acceleration: 'tcg',
  cpus: 2,
  memoryMiB: 512,
  kernelHostPath: '/cache/k/vmlinuz',
  initrdHostPath: '/cache/i/initrd',
  rootDiskHostPath: '/cache/r/root.erofs',
  artifactsDiskHostPath: '/cache/a,b/artifacts.erofs',
} as const;

test('a machine has two read-only disks, a console, three ports and nothing else', () => {
  const words = qemuArgs(machine);
  const valuesOf = (flag: string) =>
    words.flatMap((word, index) => (words[index - 1] === flag ? [word] : []));
  expect(valuesOf('-device')).toEqual([
    'virtio-serial-pci',
    'virtserialport,chardev=agent,nr=1',
    'virtserialport,chardev=session1,nr=2',
    'virtserialport,chardev=session2,nr=3',
    'virtio-blk-pci,drive=root,serial=root',
    'virtio-blk-pci,drive=artifacts,serial=artifacts',
  ]);
  expect(valuesOf('-blockdev').map((text) => JSON.parse(text) as unknown)).toEqual(
    [
      ['root', '/cache/r/root.erofs'],
      ['artifacts', '/cache/a,b/artifacts.erofs'],
    ].map(([name, filename]) => ({
      driver: 'raw',
      'node-name': name,
      'read-only': true,
      file: { driver: 'file', filename, 'read-only': true, locking: 'off' },
    })),
  );
  expect(words.filter((word) => /^-(nodefaults|no-user-config|no-reboot)$/.test(word))).toHaveLength(3);
});

test('KVM uses the host’s processor, TCG everything that it can emulate', () => {
  const cpu = (acceleration: 'kvm' | 'tcg') => {
    const words = qemuArgs({ ...machine, acceleration });
    return words.slice(words.indexOf('-accel') + 1, words.indexOf('-cpu') + 2);
  };
  expect(cpu('kvm')).toEqual(['kvm', '-cpu', 'host']);
  expect(cpu('tcg')).toEqual(['tcg', '-cpu', 'max']);
});
