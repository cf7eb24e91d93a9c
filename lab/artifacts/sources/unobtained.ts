import { compare, parse, type SemVer } from 'semver';

import type { Refusal } from '../recipe.ts';

/** A thing that was wanted and that nothing could bring. */
export interface Unobtained {
  readonly what: string;
  /** in the order in which the sources were tried; never empty */
  readonly refusals: readonly Refusal[];
  /** versions that exist, nearest first; for the lab's own parts there are none */
  readonly nearest: readonly string[];
  /** the pins, or a source that answered, say that this version exists */
  readonly known: boolean;
}

/**
 * Whose fault it is. A version that nobody knows is the user's (bad input); one that exists and is not available, or that
 * some source could not be asked for, is this host's. A source that cannot work here says nothing about versions.
 */
export const isUsersFault = ({ known, refusals }: Unobtained): boolean =>
  !known &&
  refusals.every(
    ({ source, reason }) => source === 'local' || reason === 'not-there' || reason === 'not-here',
  );

/** What was tried, why each did not serve, and each way out, for all that is not available. */
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

/** The versions around the wanted one, nearest first: those of the same minor, then of the same major, by distance. */
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
