import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';

import { demux } from '../../../lab/nodes/backends/container/containers.ts';
import { tarOf } from '../../../lab/nodes/backends/container/volume.ts';
import { scratchFolder } from '../../rig/scratch.ts';

const folder = scratchFolder();

function frame(kind: 1 | 2, content: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(Buffer.byteLength(content), 4);
  return Buffer.concat([header, Buffer.from(content)]);
}

test.each([1, 3, 1000])(
  'frames are parsed wherever they are cut, here into pieces of %d bytes',
  async (size) => {
    const all = Buffer.concat([frame(1, 'one '), frame(2, 'error'), frame(1, ''), frame(1, 'zwölf')]);
    const pieces = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
      all.subarray(index * size, (index + 1) * size),
    );
    const { stdout, stderr } = demux(Readable.from(pieces));
    expect(await Promise.all([text(stdout), text(stderr)])).toEqual(['one zwölf', 'error']);
  },
);

test('a broken stream ends both outputs', async () => {
  const stream = new PassThrough();
  const { stdout, stderr } = demux(stream);
  stream.write(frame(1, 'before'));
  setImmediate(() => stream.destroy(new Error('reset')));
  expect(await Promise.all([text(stdout), text(stderr)])).toEqual(['before', '']);
});

async function entriesOf(tar: Readable) {
  const entries: Record<string, unknown> = {};
  const extracting = tar.pipe(extract());
  for await (const entry of extracting) {
    const { name, type, mode, linkname } = entry.header;
    entries[name] = [type, mode?.toString(8), linkname ?? (await text(entry))];
    entry.resume();
  }
  return entries;
}

test('trees, folders and files become one archive', async () => {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  writeFileSync(join(tree, 'bin/program'), 'x'.repeat(513), { mode: 0o755 });
  symlinkSync('program', join(tree, 'bin/link'));
  const long = `${'k'.repeat(64)}-abcdef`;
  const parts = [
    { tree, at: long },
    { folder: 'empty' },
    { file: 'note', content: 'é' },
    { file: `${long}/${'b'.repeat(60)}`, content: '', mode: 0o600 },
  ];
  expect(await entriesOf(tarOf(parts))).toEqual({
    [long]: ['directory', '755', ''],
    [`${long}/bin`]: ['directory', '755', ''],
    [`${long}/bin/program`]: ['file', '755', 'x'.repeat(513)],
    [`${long}/bin/link`]: ['symlink', '777', 'program'],
    empty: ['directory', '755', ''],
    note: ['file', '644', 'é'],
    [`${long}/${'b'.repeat(60)}`]: ['file', '600', ''],
  });
});

test('another archive may come last', async () => {
  const inner = join(folder, 'inner.tar');
  writeFileSync(inner, await buffer(tarOf([{ file: 'inner', content: 'in' }])));
  expect(await entriesOf(tarOf([{ file: 'outer', content: 'out' }, { tar: inner }]))).toEqual({
    outer: ['file', '644', 'out'],
    inner: ['file', '644', 'in'],
  });
});

test.each(['x'.repeat(101), `${'d'.repeat(160)}/${'x'.repeat(101)}`, 'é'])(
  'names that are too long for the old header format are kept: %s',
  async (name) => {
    const parts = [{ file: name, content: 'in' }, { folder: 'after' }];
    expect(await entriesOf(tarOf(parts))).toEqual({
      [name]: ['file', '644', 'in'],
      after: ['directory', '755', ''],
    });
  },
);

test('the same parts give the same bytes, with nothing of this host but the content of the files', async () => {
  const tree = join(folder, 'again');
  mkdirSync(tree);
  writeFileSync(join(tree, 'large'), Buffer.alloc(3 * 1024 * 1024 + 1, 7));
  const first = await buffer(tarOf([{ tree, at: 'a' }]));
  utimesSync(join(tree, 'large'), 1, 1);
  expect(first.equals(await buffer(tarOf([{ tree, at: 'a' }])))).toBe(true);
  expect(first.length).toBe(512 * 2 + 512 * Math.ceil((3 * 1024 * 1024 + 1) / 512) + 1024);
});

test('a tree that cannot be read breaks the stream', async () => {
  await expect(buffer(tarOf([{ tree: join(folder, 'none'), at: 'x' }]))).rejects.toThrow('ENOENT');
});
