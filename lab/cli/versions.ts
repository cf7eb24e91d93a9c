import { compare, valid } from 'semver';

import { BadInput } from '../core/lab-error.ts';
import { COMPONENTS, type ComponentName, type SourceName } from '../core/components.ts';
import type { ComponentPins } from '../plan/pins.ts';
import type { SourceFlags, World } from '../assembly/world.ts';
import { openArtifacts, readPins } from '../assembly/open-artifacts.ts';
import { EXIT } from './exit-codes.ts';

/** The versions that a source has of a component, as `--json` shows them. */
type Offer =
  | { readonly source: SourceName; readonly versions: readonly string[]; readonly pinned: readonly string[] }
  | { readonly source: SourceName; readonly why: string };

/**
 * `cnilab versions`: the versions of each component in each source, newest last. If a source cannot list or provide
 * versions, the reason is shown.
 */
export async function versionsCommand(
  world: World,
  component: string | undefined,
  flags: SourceFlags & { readonly json?: true },
): Promise<number> {
  const pins = readPins(world);
  const artifacts = openArtifacts(world, { pins, flags, emit: () => {} });
  const { signal } = new AbortController(); // no node is running, so Ctrl-C may end it like any other program
  const components = component === undefined ? COMPONENTS : [componentNamed(component)];
  const [checked, ...listed] = await Promise.all([
    artifacts.checkSources(signal),
    ...components.map(async (name) => ({ name, sources: await artifacts.versions(name, signal) })),
  ]);
  const table = listed.map(({ name, sources }) => ({
    component: name,
    default: pins.components[name].default,
    sources: sources.map(({ source, versions }): Offer => {
      const refusal = checked.find((check) => check.source === source)?.refusal;
      if (refusal !== undefined) return { source, why: refusal.why };
      return versions.ok
        ? offerOf(source, { versions: versions.value, pins: pins.components[name] })
        : { source, why: versions.error.why };
    }),
  }));
  if (flags.json === true) {
    world.out.write(`${JSON.stringify(table, null, 2)}\n`);
    return EXIT.pass;
  }
  for (const { component: name, default: chosen, sources } of table) {
    world.out.write(`${name} (default ${chosen})\n`);
    for (const line of sources.flatMap((offer) => offerLines(offer, world.out.columns)))
      world.out.write(`${line}\n`);
  }
  return EXIT.pass;
}

/**
 * Versions that the Go proxy lists are left out if the lab does not know how to build them. Pinned versions are always
 * included.
 */
export function offerOf(
  source: SourceName,
  { versions, pins }: { versions: readonly string[]; pins: Pick<ComponentPins, 'release' | 'gomod'> },
): Offer {
  const held = source === 'gomod' ? pins.gomod.flatMap(({ pinned }) => pinned) : [];
  const builds = (version: string): boolean =>
    pins.gomod.some(({ majors }) => major(version) >= majors.from && major(version) <= majors.to);
  const all = source === 'gomod' ? [...new Set([...held, ...versions.filter(builds)])] : versions;
  const pinned = source === 'release' ? Object.keys(pins.release.sums) : held;
  return { source, versions: sorted(all), pinned: sorted(all.filter((version) => pinned.includes(version))) };
}

/** Fitted to the width of the terminal. Versions that are not pinned were not tested, and are marked as such. */
export function offerLines(offer: Offer, columns: number): readonly string[] {
  const head = `  ${offer.source.padEnd(8)} `;
  if ('why' in offer) return wrapped(head, offer.why.split(' '), columns);
  const others = offer.versions.filter((version) => !offer.pinned.includes(version));
  const kinds = [
    ['pinned', offer.pinned],
    [offer.source === 'gomod' ? 'may build' : 'listed', others],
  ] as const;
  const lines = kinds
    .filter(([, versions]) => versions.length > 0)
    .flatMap(([kind, versions], index) =>
      wrapped(`${index === 0 ? head : ' '.repeat(head.length)}${kind.padEnd(9)} `, versions, columns),
    );
  return lines.length === 0 ? [`${head}none`] : lines;
}

/** Words after a heading. Further lines are indented by its width. */
function wrapped(head: string, words: readonly string[], columns: number): readonly string[] {
  const lines: string[] = [];
  let line = head;
  for (const word of words) {
    const longer = line.endsWith(' ') ? `${line}${word}` : `${line} ${word}`;
    if (longer.length <= columns || line === head) line = longer;
    else {
      lines.push(line);
      line = `${' '.repeat(head.length)}${word}`;
    }
  }
  return [...lines, line];
}

function componentNamed(text: string): ComponentName {
  const found = COMPONENTS.find((name) => name === text);
  if (found === undefined)
    throw new BadInput(`there is no component ${JSON.stringify(text)}; there are ${COMPONENTS.join(', ')}`);
  return found;
}

const sorted = (versions: readonly string[]): readonly string[] =>
  [...versions].sort((a, b) => (valid(a) !== null && valid(b) !== null ? compare(a, b) : a.localeCompare(b)));

const major = (version: string): number => Number(version.split('.')[0]);
