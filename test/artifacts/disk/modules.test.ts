import { expect, test } from 'vitest';

import { modulesInOrder } from '../../../lab/artifacts/disk/modules.ts';
import { folderNode, place } from '../../../lab/artifacts/disk/tree.ts';

function kernelWith(
  modules: Readonly<Record<string, string>>,
  builtIn: string,
  lists: Readonly<Record<string, string>> = {},
) {
  const tree = folderNode();
  for (const [path, depends] of Object.entries(modules)) {
    const bytes = Buffer.from(`\x7fELF…\0license=GPL\0depends=${depends}\0name=x\0`);
    place(tree, `6.1/kernel/${path}`, { kind: 'file', mode: 0o644, content: { bytes } });
  }
  for (const [name, text] of Object.entries({ 'modules.builtin': builtIn, ...lists })) {
    place(tree, `6.1/${name}`, { kind: 'file', mode: 0o644, content: { bytes: Buffer.from(text) } });
  }
  return tree;
}

const names = (tree: ReturnType<typeof kernelWith>, wanted: readonly string[]) => {
  const found = modulesInOrder(tree, wanted);
  return found.ok ? found.value.map(({ name }) => name) : found.error;
};

test('the dependencies of a module come before it, once, and built-in ones are left out', () => {
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

test('everything that a kernel lacks is reported at once', () => {
  expect(names(kernelWith({ 'a.ko': 'gone' }, ''), ['a', 'b'])).toBe(
    'it has no gone, no b, neither as a module nor built in',
  );
});

test('modules that a module requests while it is loaded come before it too: the generic one, if it is a module', () => {
  const lists = {
    'modules.softdep': 'softdep other pre: gone\nsoftdep libcrc32c pre: crc32c post: late\n',
    'modules.alias': 'alias crc32c crc32c_intel\nalias crc32c crc32c_generic\nalias gone gone_generic\n',
  };
  const modules = {
    'fs/erofs.ko': 'libcrc32c',
    'lib/libcrc32c.ko': '',
    'lib/late.ko': '',
    'lib/other.ko': '',
  };
  const both = { 'x86/crc32c-intel.ko': '', 'crypto/crc32c_generic.ko': '' };
  expect(names(kernelWith({ ...modules, ...both }, '', lists), ['erofs', 'other'])).toEqual([
    'crc32c_generic.ko',
    'libcrc32c.ko',
    'erofs.ko',
    'other.ko',
  ]);
  const { 'x86/crc32c-intel.ko': intel } = both;
  const builtIn = 'kernel/crypto/crc32c_generic.ko\n';
  expect(names(kernelWith({ ...modules, 'x86/crc32c-intel.ko': intel }, builtIn, lists), ['erofs'])).toEqual([
    'libcrc32c.ko',
    'erofs.ko',
  ]);
});
