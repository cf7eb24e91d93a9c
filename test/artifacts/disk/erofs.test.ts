import { expect, test } from 'vitest';

import { BLOCK_BYTES, layOutErofs } from '../../../lab/artifacts/disk/erofs.ts';
import { folderNode, place, type TreeNode } from '../../../lab/artifacts/disk/tree.ts';

/** A reader that follows the kernel's documentation and not the writer. */
function read(head: Buffer): Record<string, string> {
  const found: Record<string, string> = {};
  const superblock = head.subarray(1024);
  expect(superblock.readUInt32LE(0)).toBe(0xe0f5e1e2);
  const metaBlock = superblock.readUInt32LE(40);
  const visit = (number: bigint, path: string): void => {
    const inode = head.subarray(metaBlock * 4096 + Number(number) * 32);
    const [format, mode, names] = [inode.readUInt16LE(0), inode.readUInt16LE(4), inode.readUInt16LE(6)];
    const [size, block] = [inode.readUInt32LE(8), inode.readUInt32LE(16)];
    const content = head.subarray(block * 4096, block * 4096 + size);
    const kind = mode & 0o170000;
    const shown = kind === 0o100000 ? `block ${block}, ${size} bytes` : '';
    found[path] =
      `${mode.toString(8)} x${names} ${kind === 0o120000 ? `-> ${content.toString()}` : shown}`.trim();
    expect(format).toBe(0);
    if (kind !== 0o040000) return;
    const order: string[] = [];
    for (let at = 0; at < size; at += 4096) {
      const bytes = content.subarray(at, at + 4096);
      const entries = bytes.readUInt16LE(8) / 12;
      for (let entry = 0; entry < entries; entry += 1) {
        const from = bytes.readUInt16LE(entry * 12 + 8);
        const to = entry + 1 < entries ? bytes.readUInt16LE(entry * 12 + 20) : bytes.length;
        const name = bytes.toString('utf8', from, to).replace(/\0+$/, '');
        order.push(name);
        if (name !== '.' && name !== '..') visit(bytes.readBigUInt64LE(entry * 12), `${path}/${name}`);
      }
    }
    expect(order).toEqual([...order].sort((a, b) => Buffer.from(a).compare(Buffer.from(b))));
  };
  visit(BigInt(superblock.readUInt16LE(14)), '');
  return found;
}

test('files, folders, links and hard links are read back as written; contents are in whole blocks', () => {
  const root = folderNode();
  const program: TreeNode = { kind: 'file', mode: 0o755, content: { bytes: Buffer.alloc(5000) } };
  place(root, 'usr/bin/one', program);
  place(root, 'usr/bin/other', program);
  place(root, 'bin', { kind: 'link', target: 'usr/bin' });
  place(root, 'empty', { kind: 'file', mode: 0o600, content: { bytes: Buffer.alloc(0) } });
  place(root, 'big', { kind: 'file', mode: 0o644, content: { hostPath: '/x', offset: 7, sizeBytes: 4096 } });
  const { head, contents, sizeBytes } = layOutErofs(root);
  expect(read(head)).toEqual({
    '': '40755 x3',
    '/usr': '40755 x3',
    '/usr/bin': '40755 x2',
    '/usr/bin/one': '100755 x2 block 6, 5000 bytes',
    '/usr/bin/other': '100755 x2 block 6, 5000 bytes',
    '/bin': '120777 x1 -> usr/bin',
    '/empty': '100600 x1 block 0, 0 bytes',
    '/big': '100644 x1 block 8, 4096 bytes',
  });
  expect(contents.map(({ offset }) => offset / BLOCK_BYTES)).toEqual([6, 8]);
  expect(sizeBytes).toBe(9 * BLOCK_BYTES);
});

test('a folder with many files has several blocks, in order', () => {
  const root = folderNode();
  const names = Array.from({ length: 500 }, (_, index) => `file-with-a-long-name-${(index * 7919) % 500}`);
  for (const name of names) place(root, name, { kind: 'link', target: name });
  const found = read(layOutErofs(root).head);
  expect(Object.keys(found)).toHaveLength(501);
  expect(found['/file-with-a-long-name-7']).toBe('120777 x1 -> file-with-a-long-name-7');
});
