import { compare, parse, type SemVer } from 'semver';

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
