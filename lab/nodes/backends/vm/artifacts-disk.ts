import { join } from 'node:path';
import { createReadStream } from 'node:fs';

import type { Artifact, Recipe } from '../../../artifacts/artifact.ts';
import type { Cache } from '../../../artifacts/cache/cache.ts';
import { folderNode, place } from '../../../artifacts/disk/tree.ts';
import { writeDisk } from '../../../artifacts/disk/erofs.ts';
import { describeUnobtained, obtain, findCached } from '../../../artifacts/sources/obtain.ts';
import { LabError, ok } from '../../../core/lab-error.ts';
import type { AgentLink } from '../../agent-link.ts';
import { parseNothing } from '../../agent-protocol.ts';

const SMALLEST_BYTES = 256 * 1024 ** 2;

export interface ArtifactsDisk {
  readonly hostPath: string;
  /**
   * a power of two, so that there are few sizes: a saved guest can be resumed with any disk of the same size as its own
   */
  readonly capacityBytes: number;
}

/**
 * A disk with these artifacts, each in a directory with the name of its key. The same artifacts always give the same
 * disk, which is made once.
 */
export async function artifactsDisk(
  artifacts: readonly Artifact[],
  { cache, signal }: { readonly cache: Cache; readonly signal: AbortSignal },
): Promise<ArtifactsDisk> {
  const capacityBytes = capacityFor(artifacts);
  const recipe = artifactsDiskRecipe(artifacts, capacityBytes);
  const options = { cache, what: recipe.name, signal, onEvent: () => undefined };
  const here = await findCached([recipe], options);
  const disk = here === undefined ? await obtain(recipe, options) : ok(here);
  if (!disk.ok)
    throw new LabError(
      describeUnobtained([{ what: recipe.name, refusals: [disk.error], nearest: [], known: true }]),
    );
  await cache.used(recipe.request);
  return { hostPath: join(disk.value.hostPath, 'artifacts.erofs'), capacityBytes };
}

function artifactsDiskRecipe(artifacts: readonly Artifact[], capacityBytes: number): Recipe {
  const keys = artifacts.map(({ key }) => key).sort();
  return {
    source: 'own',
    name: 'vm-artifacts',
    version: artifacts.map(({ name, version }) => `${name}-${version}`).join(' '),
    request: JSON.stringify({ own: 'vm-artifacts', keys, capacityBytes, revision: 1 }),
    async make(treeHostPath) {
      const root = folderNode();
      for (const { key, hostPath, files } of artifacts) {
        place(root, key, folderNode());
        for (const { path, executable, sizeBytes } of files) {
          const content = { hostPath: join(hostPath, path), offset: 0, sizeBytes };
          place(root, `${key}/${path}`, { kind: 'file', mode: executable ? 0o755 : 0o644, content });
        }
      }
      await writeDisk(join(treeHostPath, 'artifacts.erofs'), root, { capacityBytes });
      return ok({ madeBy: `written from ${keys.length} artifacts` });
    },
  };
}

/** The size of the files, and some space for the data between them. */
function capacityFor(artifacts: readonly Artifact[]): number {
  const bytes = artifacts
    .flatMap(({ files }) => files)
    .reduce((sum, { sizeBytes }) => sum + sizeBytes + 8192, 1024 ** 2);
  return 2 ** Math.max(Math.log2(SMALLEST_BYTES), Math.ceil(Math.log2(bytes)));
}

const PIECE_BYTES = 1 << 20;

/** Copies an artifact to a node through the agent. For artifacts that were not specified when the node was started. */
export async function copyArtifact(link: AgentLink, { key, hostPath, files }: Artifact): Promise<string> {
  const folder = `/lab/provided/${key}`;
  for (const { path, executable } of files) {
    const append = (bytes: Buffer) =>
      link.request(
        {
          op: 'append-file',
          path: `${folder}/${path}`,
          base64: bytes.toString('base64'),
          mode: executable ? 0o755 : 0o644,
        },
        parseNothing,
      );
    await append(Buffer.alloc(0)); // an empty file must be created too
    const pieces = createReadStream(join(hostPath, path), { highWaterMark: PIECE_BYTES });
    for await (const piece of pieces) await append(piece as Buffer);
  }
  return folder;
}
