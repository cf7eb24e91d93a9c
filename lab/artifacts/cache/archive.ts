import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { messageOf, err, ok, type Result } from '../../core/lab-error.ts';
import { saysDiskFull } from './cache.ts';

export interface UnpackOptions {
  readonly archiveHostPath: string;
  /** the one directory that receives the wanted files */
  readonly binHostPath: string;
  /**
   * names of the regular files to extract, at the top level of the archive, in its bin/ or in `folder`; everything else
   * is ignored
   */
  readonly programs: readonly string[];
  readonly folder?: RegExp | undefined;
  readonly maxFileBytes: number;
  /** limit for all files of the archive, extracted or not, so that a decompression bomb is stopped early */
  readonly maxTotalBytes: number;
}

/**
 * Extracts the given programs from a .tar.gz. The archive is not trusted. It is rejected completely if it contains
 * anything but regular files and directories, a path that leaves it, or more than the limits. The error describes what
 * was found.
 */
export async function unpackPrograms(options: UnpackOptions): Promise<Result<readonly string[], string>> {
  const { archiveHostPath, binHostPath, maxTotalBytes } = options;
  // Imported here, because a warm run unpacks nothing. The default export is used, because esbuild knows no other name
  // of a CommonJS module.
  const [{ default: tarStream }, { createGunzip }] = await Promise.all([
    import('tar-stream'),
    import('node:zlib'),
  ]);
  await mkdir(binHostPath, { recursive: true });
  const taken = new Set<string>();
  const tar = tarStream.extract();
  const taking = (async () => {
    for await (const entry of tar) await takeEntry({ header: entry.header, content: entry, taken, options });
  })();
  const feeding = pipeline(createReadStream(archiveHostPath), createGunzip(), cap(maxTotalBytes), tar);
  const [fed, took] = await Promise.allSettled([feeding, taking]);
  // Each side aborts the other one, which then only reports that it was aborted.
  const problems = [took, fed].flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  const problem = problems.find((thrown) => !isPremature(thrown)) ?? problems[0];
  if (saysDiskFull(problem)) throw problem;
  if (problem !== undefined) return err(messageOf(problem));
  return ok([...taken].sort());
}

interface Entry {
  readonly header: Header;
  readonly content: AsyncIterable<unknown>;
  readonly taken: Set<string>;
  readonly options: UnpackOptions;
}

async function takeEntry({ header, content, taken, options }: Entry): Promise<void> {
  const { name, type, size = 0 } = header;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (name.startsWith('/')) throw new Error(`it has an absolute path: ${JSON.stringify(name)}`);
  if (parts.includes('..') || name.includes('\0'))
    throw new Error(`it has a path that leaves it: ${JSON.stringify(name)}`);
  if (type !== 'file' && type !== 'directory')
    throw new Error(`it has a ${type ?? 'thing of unknown kind'}: ${JSON.stringify(name)}`);
  if (size > options.maxFileBytes)
    throw new Error(`${JSON.stringify(name)} is larger than ${options.maxFileBytes} bytes`);
  const program = parts.at(-1) ?? '';
  const folder = parts.slice(0, -1).join('/');
  const inPlace = folder === '' || folder === 'bin' || options.folder?.test(folder) === true;
  if (type === 'directory' || !inPlace || !options.programs.includes(program)) {
    for await (const _ of content);
    return;
  }
  if (taken.has(program)) throw new Error(`it has ${program} twice`);
  taken.add(program);
  const hostPath = join(options.binHostPath, program);
  await pipeline(Readable.from(content), createWriteStream(hostPath, { flags: 'wx' }));
  await chmod(hostPath, 0o755);
}

const isPremature = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  /premature close|writable stream closed|unexpected end of data/i.test(thrown.message);

function cap(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(new Error(`it unpacks to more than ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
}
