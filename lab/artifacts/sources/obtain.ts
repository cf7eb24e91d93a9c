import { compare, parse, type SemVer } from 'semver';

import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Artifact, ArtifactEvent, Job, Recipe, Refusal } from '../artifact.ts';
import { type Cache, diskFull, saysDiskFull, unwritable } from '../cache/cache.ts';

export interface ObtainOptions {
  readonly cache: Cache;
  readonly what: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ArtifactEvent) => void;
}

/** The first of the recipes, in order, whose result is already in the cache. */
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

/**
 * Runs one recipe. Only one lab with this cache does so at a time. If another lab has made the artifact meanwhile, that
 * one is used.
 */
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
          progress: (step, how) =>
            onEvent({ kind: 'artifact-progress', what, source, step, ...progressFields(how) }),
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
    throw unwritable(cache.hostPath, thrown) ?? thrown;
  }
}

type ProgressFields = Pick<
  Extract<ArtifactEvent, { kind: 'artifact-progress' }>,
  'doneBytes' | 'totalBytes' | 'waiting'
>;

function progressFields(how: Parameters<Job['progress']>[1]): ProgressFields {
  if (how === undefined) return {};
  if (how === 'waiting') return { waiting: true };
  const { done, total } = how;
  return { doneBytes: done, ...(total === undefined ? {} : { totalBytes: total }) };
}

/** A requested item that no source could provide. */
export interface Unobtained {
  readonly what: string;
  /** in the order in which the sources were tried; never empty */
  readonly refusals: readonly Refusal[];
  /** versions that exist, nearest first; empty for the lab's own parts */
  readonly nearest: readonly string[];
  /** according to the pins or to a source that answered, this version exists */
  readonly known: boolean;
}

/**
 * Whether the user caused it. A version that nobody knows is bad input. A version that exists but is not available, or
 * that some source could not be asked for, is a problem of this host. A source that cannot work here is ignored.
 */
export const isUsersFault = ({ known, refusals }: Unobtained): boolean =>
  !known &&
  refusals.every(
    ({ source, reason }) => source === 'local' || reason === 'not-there' || reason === 'not-here',
  );

/** For each item that is not available: what was tried, why it failed, and what can be done. */
export function describeUnobtained(unobtained: readonly Unobtained[]): string {
  return unobtained
    .map(({ what, refusals, nearest, ...rest }) =>
      [
        isUsersFault({ what, refusals, nearest, ...rest })
          ? `there is no ${what}`
          : `${what} is not available`,
        ...refusals.map(({ source, why }) => `  ${source.padEnd(8)} ${why}`),
        ...(nearest.length > 0 ? [`  the nearest versions that exist: ${nearest.join(', ')}`] : []),
        ...waysOut(refusals).map((way, index) => (index === 0 ? `  ways out: ${way}` : `            ${way}`)),
      ].join('\n'),
    )
    .join('\n');
}

const waysOut = (refusals: readonly Refusal[]): readonly string[] => [
  ...new Set(refusals.flatMap(({ wayOut }) => (wayOut === undefined ? [] : [wayOut]))),
];

/**
 * The versions next to the wanted one, nearest first: by distance, first those of the same minor version, then of the
 * same major version.
 */
export function nearestVersions(wanted: string, existing: Iterable<string>, count = 6): readonly string[] {
  const aim = parse(wanted);
  const known = [...new Set(existing)].flatMap((version) => parse(version) ?? []);
  if (aim === null) return known.sort(compare).slice(-count).reverse().map(String);
  return known
    .sort((a, b) => compareDistance(distance(aim, a), distance(aim, b)) || compare(b, a))
    .slice(0, count)
    .map(String);
}

const distance = (a: SemVer, b: SemVer): readonly number[] => [
  Math.abs(a.major - b.major),
  Math.abs(a.minor - b.minor),
  Math.abs(a.patch - b.patch),
  b.prerelease.length,
];

function compareDistance(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((part, at) => part !== b[at]);
  return index === -1 ? 0 : (a[index] ?? 0) - (b[index] ?? 0);
}
