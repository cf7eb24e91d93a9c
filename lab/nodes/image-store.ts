import { writeFile } from 'node:fs/promises';

import type { Recipe } from '../artifacts/artifact.ts';
import { bytesOfText } from '../core/content.ts';
import { CleanupStack, LabError, messageOf, err, ok } from '../core/lab-error.ts';
import type { Clock } from '../core/ports.ts';
import type { Runtime } from '../core/runtime.ts';
import { waitFor } from '../core/wait-for.ts';
import type { NodePlan } from '../plan/plan.ts';
import { bringUpNode, type NodeParts } from './bring-up.ts';
import type { LabNode, NodeMaker } from './node.ts';
import { PACKED_WITHIN_MS, STORE_ARCHIVE } from './provision.ts';

const KNOWN_WITHIN_MS = 5_000;

export interface ImageStoreOptions {
  readonly maker: NodeMaker;
  /** name of the node that it is made on; unique on this host */
  readonly nodeName: string;
  readonly plan: NodePlan;
  /** the runtime in the plan */
  readonly runtime: Runtime;
  readonly parts: NodeParts;
  readonly clock: Clock;
}

/**
 * A recipe for the files that an import of these images leaves in the directory of this runtime. Unpacking them before
 * the runtime starts replaces the import. Exactly this runtime makes them, on a separate node. For another version they
 * may not work.
 */
export function imageStoreRecipe({
  maker,
  nodeName,
  plan,
  runtime,
  parts,
  clock,
}: ImageStoreOptions): Recipe {
  const { images } = parts;
  const { record: _record, ...unrecorded } = plan;
  const keys = { [runtime.name]: parts.runtime.key, images: images.map(({ key }) => key) };
  return {
    source: 'own',
    name: 'image-store',
    version: parts.runtime.version,
    request: JSON.stringify({ own: 'image-store', ...keys, revision: 1 }),
    async make(treeHostPath, { signal, progress }) {
      const cleanup = new CleanupStack();
      try {
        progress('importing images');
        const ready = await bringUpNode({
          maker,
          name: nodeName,
          plan: { ...unrecorded, runtimeConfig: {}, cniConfig: [], files: [] },
          runtime,
          parts: { ...parts, ownImages: [], plugins: { overrides: [] }, later: [] },
          clock,
          cleanup,
          onRuntimeEnd: () => undefined,
          signal,
        });
        if (ready.startFailed !== undefined) throw ready.startFailed;
        await imagesKnown(ready.node, runtime, clock);
        await ready.runtime.end('TERM');
        await writeFile(`${treeHostPath}/${STORE_ARCHIVE}`, await packStore(ready.node, runtime));
        return ok({ madeBy: `an import by ${runtime.name} ${parts.runtime.version}` });
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

const imagesKnown = (node: LabNode, { imageStore }: Runtime, clock: Clock): Promise<void> =>
  waitFor(
    `CRI's images on ${node.name}`,
    async () => {
      const { stdout } = await node.exec(imageStore.list, { timeoutMs: KNOWN_WITHIN_MS });
      const unknown = imageStore.unknownToCri(stdout);
      return unknown.length === 0 ? ok(undefined) : err(unknown.join('\n'));
    },
    { everyMs: 10, forMs: KNOWN_WITHIN_MS, clock },
  );

async function packStore(node: LabNode, { imageStore }: Runtime): Promise<Uint8Array> {
  const { folder, ofOneNode } = imageStore;
  const argv = ['tar', '--create', '--directory', folder, '--exclude', ofOneNode, '.'];
  const { exitCode, stdout, stderr } = await node.exec(argv, { timeoutMs: PACKED_WITHIN_MS });
  if (exitCode !== 0) throw new LabError(`tar on ${node.name}: ${stderr.trim()}`);
  return bytesOfText(stdout);
}
