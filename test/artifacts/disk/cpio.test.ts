import { expect, test } from 'vitest';

import { cpio } from '../../../lab/artifacts/disk/tree.ts';

test('an initramfs has the kernel’s format: a header of hexadecimal fields, the path, the content, padded', () => {
  const archive = cpio([
    { path: 'a', kind: 'folder' },
    { path: 'a/x', kind: 'file', executable: true, content: Buffer.from('hello') },
    { path: 'console', kind: 'device', major: 5, minor: 1 },
  ]);
  const zero = '00000000';
  const header = (inode: string, mode: string, size: string, device: string, nameSize: string) =>
    `070701${inode}${mode}${zero}${zero}00000001${zero}${size}${zero}${zero}${device}${nameSize}${zero}`;
  expect(archive.toString('latin1')).toBe(
    [
      header('00000001', '000041ed', zero, zero + zero, '00000002'),
      'a\0',
      header('00000002', '000081ed', '00000005', zero + zero, '00000004'),
      'a/x\0\0\0hello\0\0\0',
      header('00000003', '00002180', zero, '0000000500000001', '00000008'),
      'console\0\0\0',
      header(zero, zero, zero, zero + zero, '0000000b'),
      'TRAILER!!!\0\0\0\0',
    ].join(''),
  );
});
