import { expect, test } from 'vitest';

import { modulesInOrder } from '../../../lab/artifacts/disk/modules.ts';
import { folderNode, place } from '../../../lab/artifacts/disk/tree.ts';

function kernelWith(modules: Readonly<Record<string, string>>, builtIn: string) {
  const tree = folderNode();
  for (const [path, depends] of Object.entries(modules)) {
    const bytes = Buffer.from(`\x7fELF…\0license=GPL\0depends=${depends}\0name=x\0`);
    place(tree, `6.1/kernel/${path}`, { kind: 'file', mode: 0o644, content: { bytes } });
  }
  place(tree, '6.1/modules.builtin', {
    kind: 'file',
    mode: 0o644,
    content: { bytes: Buffer.from(builtIn) },
  });
  return tree;
}

const names = (tree: ReturnType<typeof kernelWith>, wanted: readonly string[]) => {
  const found = modulesInOrder(tree, wanted);
  return found.ok ? found.value.map(({ name }) => name) : found.error;
};

test('what a module needs stands in front of it, once; what is built in is left out', () => {
  const tree = kernelWith(
    {
      'block/virtio_blk.ko': 'virtio,virtio_ring',
      'char/virtio-console.ko': 'virtio-ring,virtio',
      'virtio/virtio.ko': 'virtio_ring',
      'virtio/virtio_ring.ko': '',
    },
    'kernel/fs/erofs/erofs.ko\n',
  );
  expect(names(tree, ['virtio_blk', 'virtio_console', 'erofs'])).toEqual([
    'virtio_ring.ko',
    'virtio.ko',
    'virtio_blk.ko',
    'virtio-console.ko',
  ]);
});

test('all that a kernel does not have is said at once', () => {
  expect(names(kernelWith({ 'a.ko': 'gone' }, ''), ['a', 'b'])).toBe(
    'it has no gone, no b, neither as a module nor built in',
  );
});
