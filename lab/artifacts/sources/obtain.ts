import { err, ok, type Result } from '../../core/result.ts';
import type { Artifact } from '../artifact.ts';
import { type Cache, diskFull, saysDiskFull } from '../cache/cache.ts';
import type { ArtifactEvent } from '../events.ts';
import type { Recipe, Refusal } from '../recipe.ts';

export interface ObtainOptions {
  readonly cache: Cache;
  readonly what: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ArtifactEvent) => void;
}

/** The first of the recipes whose result is in the cache already, in their order. */
export async function findCached(
  recipes: readonly Recipe[],
  options: ObtainOptions,
): Promise<Artifact | undefined> {
  const { cache, what, onEvent } = options;
  for (const { request } of recipes) {
    const artifact = await cache.find(request, (why) => onEvent({ kind: 'artifact-damaged', what, why }));
    if (artifact === undefined) continue;
    onEvent({ kind: 'artifact-ready', what, artifact, from: 'cache' });
    return artifact;
  }
  return undefined;
}

/** Follows one recipe, as the only lab on this cache that does; takes what another lab has made meanwhile. */
export async function obtain(recipe: Recipe, options: ObtainOptions): Promise<Result<Artifact, Refusal>> {
  const { cache, what, signal, onEvent } = options;
  const { source } = recipe;
  try {
    return await cache.make(
      recipe.request,
      { signal, onWait: () => onEvent({ kind: 'artifact-waiting', what }) },
      async (staging) => {
        const there = await findCached([recipe], options);
        if (there !== undefined) return ok(there);
        const made = await recipe.make(staging.treeHostPath, {
          signal,
          scratchHostPath: staging.scratchHostPath,
          progress: (step, bytes) =>
            onEvent({
              kind: 'artifact-progress',
              what,
              source,
              step,
              ...(bytes === undefined ? {} : { doneBytes: bytes.done }),
              ...(bytes?.total === undefined ? {} : { totalBytes: bytes.total }),
            }),
        });
        signal.throwIfAborted();
        if (!made.ok) return err(made.error);
        const artifact = await cache.publish(recipe.request, staging, {
          name: recipe.name,
          version: recipe.version,
          source,
          ...made.value,
        });
        onEvent({ kind: 'artifact-ready', what, artifact, from: 'source' });
        return ok(artifact);
      },
    );
  } catch (thrown) {
    if (saysDiskFull(thrown)) throw diskFull(cache.hostPath);
    throw thrown;
  }
}
