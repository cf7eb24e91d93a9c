import type { Container } from 'dockerode';

import type { Artifact } from '../../../artifacts/artifact.ts';
import { LabError } from '../../../core/lab-error.ts';
import type { LabNode } from '../../node.ts';
import type { Engine } from './engine.ts';
import { engineError } from './engine-errors.ts';
import type { Owner } from './owner.ts';
import { ARTIFACTS_NODE_PATH, COMPLETE, uploadContainer, type Moment } from './spec.ts';
import { tarOf, type TarPart } from './tar.ts';

/**
 * Artifacts where the engine's containers can see them: one volume, which stays from run to run as the cache on this
 * machine does, and which each node has read-only. An upload is a folder of its own, known as complete only with its last
 * byte, so that neither two labs at once nor one that is killed can spoil another's.
 */
export interface ArtifactVolume {
  /** Looks, on the first node of a session, at what is there already. */
  learn(node: LabNode): Promise<void>;
  /** Puts there what is missing, all in one go. */
  ensure(artifacts: readonly Artifact[]): Promise<void>;
  /** The node path of an artifact's folder, put there if it is missing. */
  provide(artifact: Artifact): Promise<string>;
}

export interface ArtifactVolumeOptions {
  readonly engine: Engine;
  readonly image: string;
  readonly owner: Owner;
  readonly randomId: () => string;
  readonly now: () => Promise<Moment>;
}

export function artifactVolume({
  engine,
  image,
  owner,
  randomId,
  now,
}: ArtifactVolumeOptions): ArtifactVolume {
  const folders = new Map<string, Promise<string>>();
  let learnt: Promise<void> | undefined;

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
    const making = { name: randomId(), image, owner, now: await now() };
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
    learn: (node) => (learnt ??= learn(node)),
    async ensure(artifacts) {
      await ensure(artifacts);
    },
    async provide(artifact) {
      const [folder = ''] = await ensure([artifact]);
      return `${ARTIFACTS_NODE_PATH}/${folder}`;
    },
  };
}

/** What is half there goes. On a full disk no container starts, so its files are made empty first. */
async function takeBack(container: Container, emptied: readonly TarPart[]): Promise<void> {
  try {
    await container.putArchive(tarOf(emptied), { path: ARTIFACTS_NODE_PATH });
    await container.start();
    await container.wait();
  } catch {
    return; // an engine that is gone keeps it for a sweep; what went wrong first is what matters
  }
}
