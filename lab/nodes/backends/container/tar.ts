import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';

/** What goes into a tar stream, in this order; paths there have no slash in front. */
export type TarPart =
  | { readonly tree: string; readonly at: string }
  /** the same with files that are empty */
  | { readonly emptyFilesOf: string; readonly at: string }
  | { readonly folder: string }
  | { readonly file: string; readonly content: string | Buffer; readonly mode?: number }
  /** all of another archive of this host; only as the last part, as its end is the end */
  | { readonly tar: string };

const CHUNK_BYTES = 1 << 20;

/** A tar stream of all parts, owned by root and without times. Trees of this host are read while it is read. */
export function tarOf(parts: readonly TarPart[]): Readable {
  return Readable.from(bytesOf(parts), { objectMode: false, highWaterMark: CHUNK_BYTES });
}

async function* bytesOf(parts: readonly TarPart[]): AsyncGenerator<Buffer> {
  const { default: tarStream } = await import('tar-stream'); // most runs pack nothing
  const packed = tarStream.pack();
  void pack(packed, parts).then(
    () => packed.finalize(),
    (thrown: Error) => packed.destroy(thrown),
  );
  const last = parts.at(-1);
  const other = last !== undefined && 'tar' in last ? last.tar : undefined;
  let held: Buffer | undefined;
  for await (const chunk of packed) {
    if (held !== undefined) yield held;
    held = chunk as Buffer;
  }
  // The last chunk is the end of an archive, and nothing but that.
  if (other !== undefined) yield* createReadStream(other, { highWaterMark: CHUNK_BYTES });
  else if (held !== undefined) yield held;
}

async function pack(to: Pack, parts: readonly TarPart[]): Promise<void> {
  for (const part of parts) {
    if ('tree' in part) await packTree(to, part.tree, part.at);
    else if ('emptyFilesOf' in part) await packTree(to, part.emptyFilesOf, part.at, true);
    else if ('folder' in part) packEntry(to, { name: part.folder, type: 'directory', mode: 0o755 });
    else if ('file' in part) packEntry(to, { name: part.file, mode: part.mode ?? 0o644 }, part.content);
  }
}

async function packTree(to: Pack, hostPath: string, at: string, emptyFiles = false): Promise<void> {
  packEntry(to, { name: at, type: 'directory', mode: 0o755 });
  for (const entry of await readdir(hostPath, { withFileTypes: true })) {
    const from = join(hostPath, entry.name);
    const name = `${at}/${entry.name}`;
    if (entry.isDirectory()) await packTree(to, from, name, emptyFiles);
    else if (entry.isSymbolicLink())
      packEntry(to, { name, type: 'symlink', mode: 0o777, linkname: await readlink(from) });
    else if (entry.isFile() && emptyFiles) packEntry(to, { name, mode: 0o644 }, '');
    else if (entry.isFile()) {
      const { size, mode } = await lstat(from);
      const sink = to.entry({ name, size, mode: mode & 0o777, mtime: NO_TIME });
      await pipeline(createReadStream(from, { highWaterMark: CHUNK_BYTES }), sink);
    }
  }
}

const NO_TIME = new Date(0);

type EntryHeader = Parameters<Pack['entry']>[0];

function packEntry(to: Pack, header: EntryHeader, content?: string | Buffer): void {
  const entry = { ...header, mtime: NO_TIME };
  if (content === undefined) to.entry(entry);
  else to.entry(entry, content);
}
