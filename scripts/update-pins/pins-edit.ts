import { compare, inc, parse, rcompare } from 'semver';
import { type ComponentName, ARCHS, type Arch } from '../../lab/core/components.ts';

/**
 * Versions that may have been released since: the next patch of every known minor version, the first of the next minor
 * and of the next major version. If one of them exists, the caller asks again.
 */
export function possibleSuccessors(known: readonly string[]): readonly string[] {
  const released = known.filter((version) => parse(version)?.prerelease.length === 0).sort(rcompare);
  const newestOfMinor = new Map(
    released.toReversed().map((version) => [version.split('.').slice(0, 2).join('.'), version]),
  );
  const patches = [...newestOfMinor.values()].map((version) => inc(version, 'patch'));
  const [newest] = released;
  const larger = newest === undefined ? [] : [inc(newest, 'minor'), inc(newest, 'major')];
  return [...patches, ...larger].flatMap((version) => version ?? []).sort(compare);
}

/**
 * The sha256 or sha512 of one file in the output of sha256sum (`<hash>  name`, `<hash> *name`), or in a text that is
 * only a hash.
 */
export function checksumIn(text: string, fileName: string): string | undefined {
  const lines = text.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]{64}|[0-9a-f]{128})(?:\s+\*?(?:.*\/)?(\S+))?\s*$/.exec(line.trim());
    return match === null ? [] : [{ sum: match[1], name: match[2] }];
  });
  const named = lines.find(({ name }) => name === fileName);
  const alone = lines.length === 1 && lines[0]?.name === undefined ? lines[0] : undefined;
  return (named ?? alone)?.sum;
}

export interface NewRelease {
  readonly component: ComponentName;
  readonly version: string;
  readonly sums: Readonly<Partial<Record<Arch, string>>>;
}

/** The text of pins.yaml with one more release at its place in the order. Every other line stays unchanged. */
export function withRelease(yamlText: string, { component, version, sums: byArch }: NewRelease): string {
  const lines = yamlText.split('\n');
  const ofComponent = lines.indexOf(`  ${component}:`);
  const map = lines.findIndex((line, index) => index > ofComponent && /^ {6}sha(256|512):/.test(line));
  if (ofComponent === -1 || map === -1) throw new Error(`pins.yaml has no sums for ${component}`);
  const end = lines.findIndex((line, index) => index > map && !line.startsWith('        '));
  const follower = lines.findIndex((line, index) => {
    const there = /^ {8}([^:]+):/.exec(line)?.[1];
    return index > map && index < end && there !== undefined && compare(there, version) > 0;
  });
  const sums = ARCHS.flatMap((arch) => (byArch[arch] === undefined ? [] : [`${arch}: ${byArch[arch]}`]));
  return lines
    .toSpliced(follower === -1 ? end : follower, 0, `        ${version}: { ${sums.join(', ')} }`)
    .join('\n');
}
