import { BadInput, LabError } from '../core/lab-error.ts';
import { together } from '../core/wait-for.ts';
import { describeComponent, type ComponentRef, type SourceName } from '../core/components.ts';
import { pinnedVersions, type Pins } from '../plan/pins.ts';
import type { Artifact, Recipe, Refusal, Source, ArtifactEvent } from './artifact.ts';
import type { Cache } from './cache/cache.ts';
import {
  describeUnobtained,
  isUsersFault,
  type Unobtained,
  findCached,
  obtain,
  type ObtainOptions,
} from './sources/obtain.ts';

export interface EnsureOptions {
  readonly cache: Cache;
  readonly pins: Pins;
  readonly bySource: { readonly [S in SourceName]: Source };
  /** the order in which sources are tried for components that specify no source */
  readonly sourceOrder: readonly SourceName[];
  /** recipes that replace a component that no source can provide */
  readonly lastResort: (ref: ComponentRef) => Promise<readonly Recipe[]>;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ArtifactEvent) => void;
}

/** Components that were requested together. */
export interface Ensured {
  /** The artifact of a requested component. If no source could provide it, throws LabError with what was tried. */
  readonly artifact: (ref: ComponentRef) => Artifact;
  /** components that no source could provide; each message says what was tried */
  readonly lost: readonly { readonly ref: ComponentRef; readonly message: string }[];
}

/**
 * Provides all components, each once. A component in the cache is used, whichever source it came from; the order of the
 * sources decides. For the others, every version is first checked cheaply. So a mistyped version is reported before
 * minutes of building, as BadInput for all of them at once. Then they are made.
 */
export async function ensureComponents(
  refs: readonly ComponentRef[],
  options: EnsureOptions,
): Promise<Ensured> {
  const wanted = new Map(refs.map((ref) => [identityOf(ref), ref]));
  const artifacts = new Map<string, Artifact>();
  const searches: Search[] = [];
  for (const [id, ref] of wanted) {
    const search = await startSearch(ref, options);
    const cached = await findCached(search.recipes, asking(search, options));
    if (cached === undefined) searches.push(search);
    else artifacts.set(id, cached);
  }

  const found = await together(
    options.signal,
    searches.map((search) => (signal) => firstThatCould(search, { ...options, signal })),
  );
  const lostAtOnce = await describeAll(
    found.filter(({ recipes }) => recipes.length === 0),
    options,
  );
  const made = await together(
    options.signal,
    found
      .filter(({ recipes }) => recipes.length > 0)
      .map((search) => (signal: AbortSignal) => makeFirst(search, { ...options, signal })),
  );
  for (const { ref, artifact } of made) if (artifact !== undefined) artifacts.set(identityOf(ref), artifact);
  const lostInMaking = await describeAll(
    made.filter(({ artifact }) => artifact === undefined),
    options,
  );

  const lost = [...lostAtOnce, ...lostInMaking];
  return {
    lost,
    artifact: (ref) => {
      const artifact = artifacts.get(identityOf(ref));
      if (artifact !== undefined) return artifact;
      const why = lost.find((one) => identityOf(one.ref) === identityOf(ref));
      if (why !== undefined) throw new LabError(why.message);
      throw new Error(`${describeComponent(ref)} was not asked for ahead`);
    },
  };
}

/** For callers that need all of them. Throws LabError with every one that is not available. */
export function allOf({ artifact, lost }: Ensured): Ensured['artifact'] {
  if (lost.length > 0) throw new LabError(lost.map(({ message }) => message).join('\n'));
  return artifact;
}

/** The search for one component: the sources that can still be tried, and those that could not provide it. */
interface Search {
  readonly ref: ComponentRef;
  readonly recipes: readonly Recipe[];
  readonly refusals: readonly Refusal[];
  readonly artifact?: Artifact;
}

const identityOf = (ref: ComponentRef): string =>
  JSON.stringify([ref.component, ref.version, ref.source, ref.source === 'local' ? ref.hostPath : '']);

const asking = ({ ref }: Search, { cache, signal, onEvent }: EnsureOptions): ObtainOptions => ({
  cache,
  signal,
  onEvent,
  what: describeComponent(ref),
});

async function startSearch(
  ref: ComponentRef,
  { bySource, sourceOrder, lastResort }: EnsureOptions,
): Promise<Search> {
  const offers = sourcesOf(ref, sourceOrder).map((name) => bySource[name].recipe(ref));
  const instead = await lastResort(ref);
  return {
    ref,
    recipes: [...offers.flatMap((offer) => (offer.ok ? [offer.value] : [])), ...instead],
    refusals: offers.flatMap((offer) => (offer.ok ? [] : [offer.error])),
  };
}

function sourcesOf({ source }: ComponentRef, inOrder: readonly SourceName[]): readonly SourceName[] {
  if (source === undefined) return inOrder.filter((name) => name !== 'local');
  return source === 'fake' ? [] : [source];
}

function refused(search: Search, refusal: Refusal, options: EnsureOptions): Search {
  options.onEvent({
    kind: 'artifact-refused',
    what: describeComponent(search.ref),
    source: refusal.source,
    why: refusal.why,
  });
  return { ...search, recipes: search.recipes.slice(1), refusals: [...search.refusals, refusal] };
}

/** Skips recipes up to the first that may work. */
async function firstThatCould(search: Search, options: EnsureOptions): Promise<Search> {
  const refusal = await search.recipes[0]?.check?.(options.signal);
  return refusal === undefined ? search : firstThatCould(refused(search, refusal, options), options);
}

async function makeFirst(search: Search, options: EnsureOptions): Promise<Search> {
  const [recipe] = search.recipes;
  if (recipe === undefined) return search;
  const got = await obtain(recipe, asking(search, options));
  if (got.ok) {
    reportBroken(search, got.value, options);
    return { ...search, artifact: got.value };
  }
  return makeFirst(await firstThatCould(refused(search, got.error, options), options), options);
}

/** Reports a file that differs from the pins, even though another source could provide the component. */
function reportBroken({ ref, refusals }: Search, { source }: Artifact, { onEvent }: EnsureOptions): void {
  for (const broken of refusals) {
    if (broken.reason !== 'broken') continue;
    const { source: from, why } = broken;
    onEvent({
      kind: 'artifact-instead',
      what: describeComponent(ref),
      source,
      broken: { source: from, why },
    });
  }
}

/**
 * Describes what was tried for each of these. Throws BadInput for a version that no source knows; then nothing must be
 * run.
 */
async function describeAll(lost: readonly Search[], options: EnsureOptions): Promise<Ensured['lost']> {
  const unobtained = await Promise.all(lost.map((search) => describeLost(search, options)));
  if (unobtained.some(isUsersFault)) throw new BadInput(describeUnobtained(unobtained));
  return lost.flatMap(({ ref }, index) => {
    const one = unobtained[index];
    return one === undefined ? [] : [{ ref, message: describeUnobtained([one]) }];
  });
}

async function describeLost({ ref, refusals }: Search, options: EnsureOptions): Promise<Unobtained> {
  const { pins, bySource, sourceOrder, signal } = options;
  const what = describeComponent(ref);
  const place = ({ source }: Refusal) =>
    source === 'own' ? sourceOrder.length : sourceOrder.indexOf(source);
  const inOrder = [...refusals].sort((a, b) => place(a) - place(b));
  if (ref.source === 'local') return { what, refusals: inOrder, known: false, nearest: [] };
  const pinned = pinnedVersions(pins.components[ref.component]);
  const known = pinned.includes(ref.version) || refusals.some(({ reason }) => reason === 'broken');
  if (known) return { what, refusals: inOrder, known, nearest: [] };
  const listed = await bySource.gomod.versions(ref.component, signal);
  // Imported here, because loading semver would take too long for a warm run.
  const { nearestVersions } = await import('./sources/obtain.ts');
  const nearest = nearestVersions(ref.version, [...pinned, ...(listed.ok ? listed.value : [])]);
  return { what, refusals: inOrder, known, nearest };
}
