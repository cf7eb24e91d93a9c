import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unpackPrograms } from '../../lab/artifacts/cache/archive.ts';

type Entry = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cnilab-archive-'))));
afterEach(() => rmSync(folder, { recursive: true }));

async function tarGz(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) tar.entry(header, content ?? '');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}

function unpack(
  archive: Buffer,
  caps: { maxFileBytes?: number; maxTotalBytes?: number; folder?: RegExp } = {},
) {
  rmSync(join(folder, 'bin'), { recursive: true, force: true });
  writeFileSync(join(folder, 'archive'), archive);
  return unpackPrograms({
    archiveHostPath: join(folder, 'archive'),
    binHostPath: join(folder, 'bin'),
    programs: ['containerd', 'ctr'],
    maxFileBytes: 10_000,
    maxTotalBytes: 100_000,
    ...caps,
  });
}

const hostile = async (entries: readonly Entry[]) =>
  unpack(await tarGz([{ name: 'bin/ctr', content: 'ctr' }, ...entries]));

test('takes the wanted programs from the top or from bin/, and nothing else', async () => {
  const archive = await tarGz([
    { name: './bin/', type: 'directory' },
    { name: './bin/containerd', content: 'one', mode: 0o600 },
    { name: 'ctr', content: 'two' },
    { name: 'bin/containerd-stress', content: 'not wanted' },
    { name: 'deeper/bin/ctr', content: 'not in its place' },
    { name: 'LICENSE', content: 'words' },
  ]);
  expect(await unpack(archive)).toEqual({ ok: true, value: ['containerd', 'ctr'] });
  expect(readdirSync(join(folder, 'bin')).sort()).toEqual(['containerd', 'ctr']);
  expect(readFileSync(join(folder, 'bin/containerd'), 'utf8')).toBe('one');
  expect(statSync(join(folder, 'bin/containerd')).mode & 0o777).toBe(0o755);
});

test('takes the wanted programs from the component’s own folder in the archive', async () => {
  const archive = await tarGz([
    { name: 'kubernetes/server/bin/ctr', content: 'server' },
    { name: 'kubernetes/server/bin/containerd.tar', content: 'image' },
    { name: 'kubernetes/client/bin/ctr', content: 'client' },
  ]);
  expect(await unpack(archive, { folder: /^kubernetes\/server\/bin$/ })).toEqual({
    ok: true,
    value: ['ctr'],
  });
  expect(readFileSync(join(folder, 'bin/ctr'), 'utf8')).toBe('server');
});

test('a path that leaves the archive is rejected', async () => {
  expect(await hostile([{ name: '../../etc/cron.d/ctr', content: 'x' }])).toEqual({
    ok: false,
    error: 'it has a path that leaves it: "../../etc/cron.d/ctr"',
  });
});

test('an absolute path is rejected', async () => {
  expect(await hostile([{ name: '/etc/passwd', content: 'x' }])).toEqual({
    ok: false,
    error: 'it has an absolute path: "/etc/passwd"',
  });
});

test.each([
  ['symlink', { linkname: '/etc/passwd' }],
  ['link', { linkname: 'bin/ctr' }],
  ['character-device', { devmajor: 1, devminor: 5 }],
  ['block-device', { devmajor: 8, devminor: 0 }],
  ['fifo', {}],
] as const)('a %s is refused, wanted or not', async (type, more) => {
  expect(await hostile([{ name: 'bin/containerd', type, ...more }])).toEqual({
    ok: false,
    error: `it has a ${type}: "bin/containerd"`,
  });
  expect(await hostile([{ name: 'doc/elsewhere', type, ...more }])).toEqual({
    ok: false,
    error: `it has a ${type}: "doc/elsewhere"`,
  });
});

test('a program that occurs twice is rejected', async () => {
  expect(await hostile([{ name: 'ctr', content: 'again' }])).toEqual({
    ok: false,
    error: 'it has ctr twice',
  });
});

test('a file over the size limit is rejected by its header', async () => {
  expect(await hostile([{ name: 'doc/large', content: Buffer.alloc(10_001) }])).toEqual({
    ok: false,
    error: '"doc/large" is larger than 10000 bytes',
  });
});

test('a decompression bomb is rejected during decompression', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  expect(bomb.length).toBeLessThan(60_000);
  expect(await unpack(bomb)).toEqual({ ok: false, error: 'it unpacks to more than 100000 bytes' });
});

test('the sizes of many small files are added up', async () => {
  const entries = Array.from({ length: 30 }, (_, index) => ({
    name: `doc/${index}`,
    content: Buffer.alloc(5_000),
  }));
  expect(await hostile(entries)).toEqual({ ok: false, error: 'it unpacks to more than 100000 bytes' });
});

test('a truncated archive and a file that is not an archive are rejected', async () => {
  const whole = await tarGz([{ name: 'bin/ctr', content: Buffer.alloc(9_000, 'random-enough'.repeat(9)) }]);
  expect(await unpack(whole.subarray(0, whole.length - 20))).toEqual({
    ok: false,
    error: 'unexpected end of file',
  });
  expect(await unpack(Buffer.from('<html>not found</html>'))).toEqual({
    ok: false,
    error: 'incorrect header check',
  });
});
