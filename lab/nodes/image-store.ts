import { writeFile } from 'node:fs/promises';

import type { Artifact } from '../artifacts/artifact.ts';
import type { Recipe } from '../artifacts/recipe.ts';
import { bytesOfText } from '../core/byte-text.ts';
import { CleanupStack } from '../core/cleanup-stack.ts';
import { LabError, messageOf } from '../core/lab-error.ts';
import type { Clock } from '../core/ports.ts';
import { err, ok } from '../core/result.ts';
import { waitFor } from '../core/wait-for.ts';
import type { NodePlan } from '../plan/plan.ts';
import { bringUpNode, type NodeParts } from './bring-up.ts';
import type { LabNode, NodeMaker } from './node.ts';

/** Where a containerd keeps images and what it knows of them. */
const STORE = '/var/lib/containerd';
/** Holds an id that no two containerds share. */
const OF_ONE_NODE = './io.containerd.grpc.v1.introspection';
const ARCHIVE = 'store.tar';
const KNOWN_WITHIN_MS = 5_000;
const PACKED_WITHIN_MS = 60_000;

export interface ImageStoreOptions {
  readonly maker: NodeMaker;
  /** of the node that it is made on; unique on this host */
  readonly nodeName: string;
  readonly plan: NodePlan;
  readonly parts: NodeParts;
  readonly clock: Clock;
}

/**
 * What an import of these images leaves in the folder of this containerd. Unpacked before containerd starts, it stands in
 * for the import. It is made by that very containerd, on a node of its own, and so fits no other version for sure.
 */
export function imageStoreRecipe({ maker, nodeName, plan, parts, clock }: ImageStoreOptions): Recipe {
  const { containerd, images } = parts;
  const keys = { containerd: containerd.key, images: images.map(({ key }) => key) };
  return {
    source: 'own',
    name: 'image-store',
    version: containerd.version,
    request: JSON.stringify({ own: 'image-store', ...keys, revision: 1 }),
    async make(treeHostPath, { signal, progress }) {
      const cleanup = new CleanupStack();
      try {
        progress('importing images');
        const ready = await bringUpNode({
          maker,
          name: nodeName,
          plan: { ...plan, containerdConfig: {}, cniConfig: [], files: [] },
          parts: { ...parts, plugins: { overrides: [] }, later: [] },
          clock,
          cleanup,
          onContainerdEnd: () => undefined,
          signal,
        });
        if (ready.startFailed !== undefined) throw ready.startFailed;
        await imagesKnown(ready.node, clock);
        await ready.containerd.end('TERM');
        await writeFile(`${treeHostPath}/${ARCHIVE}`, await packStore(ready.node));
        return ok({ madeBy: `ctr images import of containerd ${containerd.version}` });
      } catch (thrown) {
        signal.throwIfAborted();
        if (!(thrown instanceof LabError)) throw thrown;
        return err({ source: 'own', reason: 'not-here', why: messageOf(thrown) });
      } finally {
        await cleanup.run();
      }
    },
  };
}

/** What CRI writes on an image that it knows; it takes one up a moment after the import. */
const KNOWN_TO_CRI = 'io.cri-containerd.image=managed';

const imagesKnown = (node: LabNode, clock: Clock): Promise<void> =>
  waitFor(
    `CRI's images on ${node.name}`,
    async () => {
      const argv = ['ctr', '--namespace', 'k8s.io', 'images', 'list'];
      const { stdout } = await node.exec(argv, { timeoutMs: KNOWN_WITHIN_MS });
      const unknown = stdout
        .split('\n')
        .filter((line) => /\bcnilab\.local\//.test(line) && !line.includes(KNOWN_TO_CRI));
      return unknown.length === 0 ? ok(undefined) : err(unknown.join('\n'));
    },
    { everyMs: 10, forMs: KNOWN_WITHIN_MS, clock },
  );

async function packStore(node: LabNode): Promise<Uint8Array> {
  const argv = ['tar', '--create', '--directory', STORE, '--exclude', OF_ONE_NODE, '.'];
  const { exitCode, stdout, stderr } = await node.exec(argv, { timeoutMs: PACKED_WITHIN_MS });
  if (exitCode !== 0) throw new LabError(`tar on ${node.name}: ${stderr.trim()}`);
  return bytesOfText(stdout);
}

/** Whether the images are on the node now; where that fails they can still be imported. */
export async function unpackImageStore(node: LabNode, store: Artifact): Promise<boolean> {
  const folder = await node.provide(store);
  await node.writeFiles([{ nodePath: `${STORE}/.store`, content: '' }]);
  const argv = ['tar', '--extract', '--directory', STORE, '--file', `${folder}/${ARCHIVE}`];
  const unpacked = await node.exec(argv, { timeoutMs: PACKED_WITHIN_MS }).then(
    ({ exitCode }) => exitCode === 0,
    () => false, // no tar on this node
  );
  await node.writeFiles([{ nodePath: unpacked ? `${STORE}/.store` : STORE, remove: true }]);
  return unpacked;
}
