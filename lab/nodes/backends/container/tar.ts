import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';

/** What goes into a tar stream, in this order; paths there have no slash in front. */
export type TarPart =
  | { readonly tree: string; readonly at: string }
  /** the same with files that are empty */
  | { readonly hollow: string; readonly at: string }
  | { readonly folder: string }
  | { readonly file: string; readonly content: string | Buffer; readonly mode?: number }
  /** all of another archive of this host; only as the last part, as its end is the end */
  | { readonly tar: string };

const BLOCK_BYTES = 512;
const CHUNK_BYTES = 1 << 20;

/** A tar stream of all parts, owned by root and without times. Trees of this host are read while it is read. */
export function tarOf(parts: readonly TarPart[]): Readable {
  return Readable.from(bytesOf(parts), { objectMode: false, highWaterMark: CHUNK_BYTES });
}

async function* bytesOf(parts: readonly TarPart[]): AsyncGenerator<Buffer> {
  for (const part of parts) {
    if ('tree' in part) yield* treeBytes(part.tree, part.at);
    else if ('hollow' in part) yield* treeBytes(part.hollow, part.at, true);
    else if ('folder' in part) yield tarHeader({ name: part.folder, type: '5', mode: 0o755 });
    else if ('tar' in part) {
      yield* fileBytes(part.tar);
      return;
    } else {
      const content = Buffer.from(part.content);
      yield tarHeader({ name: part.file, type: '0', mode: part.mode ?? 0o644, size: content.length });
      yield content;
      yield padding(content.length);
    }
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

async function* treeBytes(hostPath: string, at: string, hollow = false): AsyncGenerator<Buffer> {
  yield tarHeader({ name: at, type: '5', mode: 0o755 });
  for (const entry of await readdir(hostPath, { withFileTypes: true })) {
    const from = join(hostPath, entry.name);
    const name = `${at}/${entry.name}`;
    if (entry.isDirectory()) yield* treeBytes(from, name, hollow);
    else if (entry.isSymbolicLink())
      yield tarHeader({ name, type: '2', mode: 0o777, linkname: await readlink(from) });
    else if (entry.isFile() && hollow) yield tarHeader({ name, type: '0', mode: 0o644 });
    else if (entry.isFile()) {
      const { size, mode } = await lstat(from);
      yield tarHeader({ name, type: '0', mode: mode & 0o777, size });
      yield* fileBytes(from);
      yield padding(size);
    }
  }
}

async function* fileBytes(hostPath: string): AsyncGenerator<Buffer> {
  for await (const chunk of createReadStream(hostPath, { highWaterMark: CHUNK_BYTES }))
    if (Buffer.isBuffer(chunk)) yield chunk;
}

const padding = (size: number): Buffer => Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);

export interface TarHeader {
  readonly name: string;
  /** 0 is a file, 2 a symbolic link, 5 a folder */
  readonly type: '0' | '2' | '5';
  readonly mode: number;
  readonly size?: number;
  readonly linkname?: string;
}

/** One block of ustar: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange Format". */
export function tarHeader({ name, type, mode, size = 0, linkname = '' }: TarHeader): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const [prefix, last] = splitName(name);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  if (Buffer.byteLength(linkname) > 100) throw new Error(`a link to ${linkname} does not fit into a tar`);
  block.write(last, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(type, 156);
  block.write(linkname, 157);
  block.write('ustar\x0000', 257);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** A name of more than 100 bytes is cut at a slash; what is in front of it has room for 155. */
function splitName(name: string): readonly [string, string] {
  if (Buffer.byteLength(name) <= 100) return ['', name];
  for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) {
    const [prefix, last] = [name.slice(0, at), name.slice(at + 1)];
    if (Buffer.byteLength(last) <= 100 && Buffer.byteLength(prefix) <= 155) return [prefix, last];
  }
  throw new Error(`${name} does not fit into a tar`);
}
