import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as v from 'valibot';

import type { Artifact } from '../artifact.ts';
import { sha256OfFile, sha256OfText, fingerprintTree, stampOf } from './fingerprint.ts';
import { withLock, withLockIfFree } from './lock.ts';
import { LabError } from '../../core/lab-error.ts';
import { readJson, type Schema } from '../../core/json.ts';
import { SOURCES } from '../../core/components.ts';

export interface CacheOptions {
  readonly cacheHostPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A place to make an artifact. No other process uses it, and it contains nothing from a killed lab. */
export interface Staging {
  readonly treeHostPath: string;
  readonly scratchHostPath: string;
}

/**
 * The artifacts on this disk:
 *   artifacts/<key>/…       the files, named by the hash of their content; appear by rename, complete or not at all
 *   index/<request>.json    the artifact that answers a request; written after the artifact is in place
 *   staging/<request>/      where it is made, by the holder of locks/<request>
 *   go/, apt/               what the sources keep between runs
 *   vm/                     facts about virtual machines on this host
 */
export type Cache = ReturnType<typeof createCache>;

export function createCache({ cacheHostPath, env }: CacheOptions) {
  const at = (...parts: string[]) => join(cacheHostPath, ...parts);
  const indexPath = (request: string) => at('index', `${sha256OfText(request)}.json`);

  async function remember(entry: IndexEntry): Promise<void> {
    await mkdir(at('index'), { recursive: true });
    const path = indexPath(entry.request);
    const halfway = `${path}.${process.pid}-${randomUUID()}.new`; // several nodes may be started in one process
    await writeFile(halfway, JSON.stringify(entry));
    await rename(halfway, path);
  }

  async function remove({ request, artifact }: IndexEntry): Promise<void> {
    await rm(indexPath(request), { force: true });
    await rm(at('artifacts', artifact.key), { recursive: true, force: true });
  }

  async function removeAll(): Promise<void> {
    const away = at(`removed-${process.pid}`);
    for (const part of await readdir(cacheHostPath).catch(() => [])) {
      if (!PARTS.includes(part) && !part.startsWith('removed-')) continue;
      await mkdir(away, { recursive: true });
      await rename(at(part), join(away, part)).catch(() => undefined);
    }
    await rm(away, { recursive: true, force: true });
  }

  return {
    hostPath: cacheHostPath,

    /**
     * The artifact that answers a request, if it exists and is undamaged. A file whose size, time and inode have not
     * changed since it was hashed is accepted; any other file is hashed again. Damaged entries are removed.
     */
    async find(
      request: string,
      onDamage: (why: string) => void = () => undefined,
    ): Promise<Artifact | undefined> {
      const entry = readIndexEntry(indexPath(request));
      if (entry?.request !== request) return undefined;
      const hostPath = at('artifacts', entry.artifact.key);
      const stamps = entry.artifact.files.map((file) => stampOf(join(hostPath, file.path)));
      const changed = entry.artifact.files.filter((_, index) => stamps[index] !== entry.stamps[index]);
      for (const file of changed) {
        const there = stampOf(join(hostPath, file.path)) !== undefined;
        if (there && (await sha256OfFile(join(hostPath, file.path))) === file.sha256) continue;
        onDamage(
          `${join(hostPath, file.path)} ${there ? 'has other content than when it was put there' : 'is gone'}`,
        );
        await remove(entry);
        return undefined;
      }
      if (changed.length > 0) {
        const now = { ...entry, stamps: stamps.map((stamp) => stamp ?? '') };
        await remember(now).catch(() => undefined); // only saves the next lab the time to hash
      }
      return { ...entry.artifact, hostPath };
    },

    /**
     * Runs `work` with an empty staging directory. No other process on this host makes an answer to `request` at the
     * same time.
     */
    async make<T>(
      request: string,
      options: { readonly signal: AbortSignal; readonly onWait: () => void },
      work: (staging: Staging) => Promise<T>,
    ): Promise<T> {
      await mkdir(at('locks'), { recursive: true });
      const id = sha256OfText(request);
      return withLock({ lockHostPath: at('locks', id), env, ...options }, async () => {
        const staging = {
          treeHostPath: at('staging', id, 'tree'),
          scratchHostPath: at('staging', id, 'scratch'),
        };
        await rm(at('staging', id), { recursive: true, force: true });
        await mkdir(staging.treeHostPath, { recursive: true });
        await mkdir(staging.scratchHostPath, { recursive: true });
        try {
          return await work(staging);
        } finally {
          await rm(at('staging', id), { recursive: true, force: true });
        }
      });
    },

    /** Moves the result to its place and adds it to the index. */
    async publish(
      request: string,
      staging: Staging,
      made: Pick<Artifact, 'name' | 'version' | 'source' | 'madeBy' | 'note'>,
    ): Promise<Artifact> {
      const files = await fingerprintTree(staging.treeHostPath);
      const { name, version, source, madeBy, note } = made;
      const key = sha256OfText(JSON.stringify({ name, version, source, files }));
      const hostPath = at('artifacts', key);
      await mkdir(at('artifacts'), { recursive: true });
      // The same files may already exist under another request. Those may be damaged; the new ones are not. A directory
      // in a lower layer, for example of a container image, cannot be moved.
      await rename(hostPath, join(staging.scratchHostPath, 'replaced')).catch(() =>
        rm(hostPath, { recursive: true, force: true }),
      );
      await rename(staging.treeHostPath, hostPath);
      const artifact = { name, version, source, key, files, madeBy, ...(note === undefined ? {} : { note }) };
      const stamps = files.map((file) => stampOf(join(hostPath, file.path)) ?? '');
      await remember({ formatVersion: 1, request, artifact, stamps });
      return { ...artifact, hostPath };
    },

    /** Marks an artifact as recently used, so that `prune` removes others first. */
    async used(request: string): Promise<void> {
      const now = new Date();
      await utimes(indexPath(request), now, now).catch(() => undefined); // only affects the order of removal
    },

    /** The answer is wrong and is removed. A process that has it open can continue to use it. */
    async discard(request: string): Promise<void> {
      const entry = readIndexEntry(indexPath(request));
      if (entry !== undefined) await remove(entry);
    },

    /** Removes the least recently used artifacts with these names until at most this many bytes are left. */
    async prune(names: readonly string[], keepBytes: number): Promise<void> {
      const files = (await readdir(at('index')).catch(() => [])).map((file) => at('index', file));
      const found = files.flatMap((path) => {
        const entry = readIndexEntry(path);
        const usedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
        return entry === undefined || usedMs === undefined || !names.includes(entry.artifact.name)
          ? []
          : [{ entry, usedMs }];
      });
      let bytes = 0;
      for (const { entry } of found.sort((a, b) => b.usedMs - a.usedMs)) {
        bytes += entry.artifact.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        if (bytes > keepBytes) await remove(entry);
      }
    },

    /**
     * Removes what killed labs left in staging, and returns what it removed. Needs only one look if there is nothing.
     */
    async sweep(signal: AbortSignal): Promise<readonly string[]> {
      const left = await readdir(at('staging')).catch(() => []);
      const removed: string[] = [];
      for (const id of left) {
        await mkdir(at('locks'), { recursive: true });
        await withLockIfFree({ lockHostPath: at('locks', id), env, signal }, async () => {
          await rm(at('staging', id), { recursive: true, force: true });
          removed.push(at('staging', id));
        });
      }
      return removed;
    },

    /**
     * Removes everything, unless a node has a lock on the artifacts; the record of that node may be in another
     * directory. Everything is first moved away, so that a lab that starts meanwhile sees an empty cache, not an
     * incomplete one.
     */
    async clean(signal: AbortSignal): Promise<boolean> {
      await mkdir(at('artifacts'), { recursive: true });
      return withLockIfFree({ lockHostPath: at('artifacts'), env, signal }, removeAll);
    },
  };
}

/** The entries in the directory of the cache that belong to the lab. Others may store files there too. */
const PARTS = ['artifacts', 'index', 'staging', 'locks', 'go', 'apt', 'code', 'vm'];

/** Undefined for anything that this version did not write completely. Then it is made again. */
function readIndexEntry(hostPath: string): IndexEntry | undefined {
  try {
    return readJson(INDEX_ENTRY, readFileSync(hostPath, 'utf8'));
  } catch {
    return undefined; // it does not exist
  }
}

/** The message for a full disk, wherever it was noticed. */
export function diskFull(cacheHostPath: string): LabError {
  return new LabError(
    `no space left for the cache in ${cacheHostPath}; make room, run "cnilab clean --cache", or set XDG_CACHE_HOME to a folder on another disk`,
  );
}

/** Whether an error of Node, or one of its causes, reports that the disk or the quota is full. */
export function saysDiskFull(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code = 'code' in thrown ? thrown.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || saysDiskFull(thrown.cause);
}

/** The error for a folder of the cache that takes no files; undefined for any other error. */
export function unwritable(cacheHostPath: string, thrown: unknown): LabError | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  if (!['EROFS', 'EACCES', 'EPERM', 'EXDEV'].includes(String(thrown.code))) return undefined;
  const places = ['path', 'dest'].map((key) => String(Reflect.get(thrown, key)));
  if (!places.some((place) => place.startsWith(cacheHostPath))) return undefined;
  return new LabError(
    `could not write to the cache in ${cacheHostPath}; make all of it one writable folder, or set XDG_CACHE_HOME to another one`,
    { cause: thrown },
  );
}

/** Whether the output of a command reports a full disk, with the texts of strerror(3). */
export const outputSaysDiskFull = (output: string): boolean =>
  /no space left on device|disk quota exceeded/i.test(output);

/**
 * One file of the index of the cache: the artifact that answers a request. Paths are relative, so that a cache can be
 * moved.
 */
export interface IndexEntry {
  readonly formatVersion: 1;
  readonly request: string;
  readonly artifact: Omit<Artifact, 'hostPath'>;
  /** one per file, see stampOf */
  readonly stamps: readonly string[];
}

const ARTIFACT_FILE = v.object({
  path: v.pipe(
    v.string(),
    v.check((path) => !path.split('/').includes('..')),
  ),
  sha256: v.string(),
  sizeBytes: v.number(),
  executable: v.boolean(),
});

const INDEX_ENTRY: Schema<IndexEntry> = v.pipe(
  v.object({
    formatVersion: v.literal(1),
    request: v.string(),
    artifact: v.object({
      name: v.string(),
      version: v.string(),
      source: v.picklist([...SOURCES, 'own']),
      key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      madeBy: v.string(),
      note: v.exactOptional(v.string()),
      files: v.array(ARTIFACT_FILE),
    }),
    stamps: v.array(v.string()),
  }),
  v.check(({ artifact, stamps }) => stamps.length === artifact.files.length),
);
