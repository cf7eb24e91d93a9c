import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { Container } from 'dockerode';
import type { Pack } from 'tar-stream';

import type { Artifact } from '../../../artifacts/artifact.ts';
import { LabError } from '../../../core/lab-error.ts';
import type { LabNode } from '../../node.ts';
import { type Engine, engineError } from './engine.ts';
import {
  type EngineBackend,
  type Owner,
  ARTIFACTS_NODE_PATH,
  COMPLETE,
  uploadContainer,
  VOLUME,
  type Moment,
} from './spec.ts';

/**
 * Makes artifacts visible to the containers of the engine. They are in one volume, which stays between runs like the
 * cache on this machine. Each node mounts it read-only. Each upload is a separate directory that counts as complete
 * only after its last byte. So two labs at once cannot damage the uploads of each other, and neither can a lab that is
 * killed.
 */
export interface ArtifactVolume {
  /** The path of the volume on the machine of the engine. The volume is made if it is not there. */
  folder(): Promise<string>;
  /** Finds out, with the first node of a session, what the volume already contains. */
  learn(node: LabNode): Promise<void>;
  /** whether that has been found out */
  readonly isKnown: boolean;
  /** Uploads what is missing, all at once. */
  ensure(artifacts: readonly Artifact[]): Promise<void>;
  /** The node path of the directory of an artifact. It is uploaded if it is missing. */
  provide(artifact: Artifact): Promise<string>;
}

export interface ArtifactVolumeOptions {
  readonly backend: EngineBackend;
  readonly engine: Engine;
  readonly image: string;
  readonly owner: Owner;
  readonly randomId: () => string;
  readonly now: () => Promise<Moment>;
}

export function artifactVolume({
  backend,
  engine,
  image,
  owner,
  randomId,
  now,
}: ArtifactVolumeOptions): ArtifactVolume {
  const folders = new Map<string, Promise<string>>();
  let learnt: Promise<void> | undefined;
  let made: Promise<string> | undefined;

  async function learn(node: LabNode): Promise<void> {
    const complete = `${ARTIFACTS_NODE_PATH}/${COMPLETE}`;
    const { exitCode, stdout, stderr } = await node.exec([
      'sh',
      '-c',
      `[ ! -d ${complete} ] || ls ${complete}`,
    ]);
    if (exitCode !== 0) throw new LabError(`${node.name}: could not look at ${complete}: ${stderr.trim()}`);
    for (const folder of stdout.split('\n').filter((line) => line !== ''))
      folders.set(folder.slice(0, folder.lastIndexOf('-')), Promise.resolve(folder));
  }

  async function upload(
    artifacts: readonly Artifact[],
    folderOf: (artifact: Artifact) => string,
  ): Promise<void> {
    const doing = `putting ${artifacts.map(({ name, version }) => `${name} ${version}`).join(', ')} into the engine`;
    const all = artifacts.map(folderOf);
    const making = { backend, name: randomId(), image, owner, now: await now() };
    const failed = (thrown: unknown) => engineError(doing, { address: engine.address, thrown });
    const container = await engine.docker
      .createContainer(uploadContainer({ ...making, folders: all }))
      .catch((thrown: unknown) => Promise.reject(failed(thrown)));
    try {
      const tar = tarOf([
        ...artifacts.map((artifact) => ({ tree: artifact.hostPath, at: folderOf(artifact) })),
        { folder: COMPLETE },
        ...all.map((folder) => ({ file: `${COMPLETE}/${folder}`, content: '' })),
      ]);
      await container.putArchive(tar, { path: ARTIFACTS_NODE_PATH });
    } catch (thrown) {
      await takeBack(
        container,
        artifacts.map((artifact) => ({ emptyFilesOf: artifact.hostPath, at: folderOf(artifact) })),
      );
      throw failed(thrown);
    } finally {
      await container.remove({ force: true }).catch(() => undefined);
    }
  }

  function ensure(artifacts: readonly Artifact[]): Promise<readonly string[]> {
    const missing = artifacts.filter(
      ({ key }, index) => !folders.has(key) && artifacts.findIndex((one) => one.key === key) === index,
    );
    if (missing.length > 0) {
      const id = randomId();
      const folderOf = ({ key }: Artifact) => `${key}-${id}`;
      const uploaded = upload(missing, folderOf);
      for (const artifact of missing) {
        const folder = uploaded.then(() => folderOf(artifact));
        folder.catch(() => folders.delete(artifact.key));
        folders.set(artifact.key, folder);
      }
    }
    return Promise.all(artifacts.map(({ key }) => folders.get(key) ?? Promise.resolve('')));
  }

  return {
    folder() {
      made ??= volumeFolder(engine);
      made.catch(() => (made = undefined));
      return made;
    },
    learn: (node) => (learnt ??= learn(node)),
    get isKnown() {
      return learnt !== undefined;
    },
    async ensure(artifacts) {
      await ensure(artifacts);
    },
    async provide(artifact) {
      const [folder = ''] = await ensure([artifact]);
      return `${ARTIFACTS_NODE_PATH}/${folder}`;
    },
  };
}

/**
 * Where the volume is on the machine of the engine. An engine makes a volume that a container mounts, but if two
 * containers are the first at the same moment, Podman fails for one of them: "volume already exists". It can say so here
 * too, to one of two labs. Throws what dockerode throws.
 */
export async function volumeFolder({ docker }: Pick<Engine, 'docker'>): Promise<string> {
  const refused = await docker.createVolume({ Name: VOLUME }).then(
    () => undefined, // nothing happens to one that is there
    (thrown: unknown) => thrown as Error,
  );
  const volume = docker.getVolume(VOLUME).inspect();
  return (await volume.catch((thrown: unknown) => Promise.reject(refused ?? (thrown as Error)))).Mountpoint;
}

/** Removes incomplete files. On a full disk no container starts, so the files are truncated first. */
async function takeBack(container: Container, emptied: readonly TarPart[]): Promise<void> {
  try {
    await container.putArchive(tarOf(emptied), { path: ARTIFACTS_NODE_PATH });
    await container.start();
    await container.wait();
  } catch {
    return; // if the engine is gone, a sweep removes it later; only the first error matters
  }
}

/** The content of a tar stream, in this order. Paths in it do not start with a slash. */
export type TarPart =
  | { readonly tree: string; readonly at: string }
  /** the same files, but empty */
  | { readonly emptyFilesOf: string; readonly at: string }
  | { readonly folder: string }
  | { readonly file: string; readonly content: string | Buffer; readonly mode?: number }
  /** another archive of this host; only as the last part, because its end is the end of the stream */
  | { readonly tar: string };

const CHUNK_BYTES = 1 << 20;

/** A tar stream of all parts, owned by root and without times. Trees of this host are read while the stream is read. */
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
  // The last chunk is the end of the archive and nothing else.
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
