import coerce from 'semver/functions/coerce.js';
import compare from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';
import type { SemVer } from 'semver';

import { isRuntime, NODE_COMPONENTS, RUNTIMES, type RuntimeName } from '../core/components.ts';
import { applies, type BranchCell } from '../plan/branches.ts';
import type { When } from '../spec/scenario.ts';

/**
 * The `when` conditions of each group of cells. Together they match all cells of the group and no cell of another
 * group. Usually that is one range of versions. Undefined if no version and no axis separates the groups.
 */
export function whensFor(
  groups: readonly (readonly BranchCell[])[],
  within: When = {},
): readonly (readonly When[])[] | undefined {
  const cells = groups.flat();
  const runtimes = RUNTIMES.filter((name) => cells.some(({ versions }) => versions[name] !== undefined));
  if (runtimes.length > 1) return byRuntime(runtimes, groups, within);
  for (const name of namesOf(cells)) {
    const ranges = rangesFor(name, groups);
    if (ranges === undefined) continue;
    return ranges.map((own) => own.map((range) => narrowed(within, { name, range, cells })));
  }
  return bySeveral(groups, within);
}

/** By runtime first, because no range of versions matches cells of both runtimes. */
function byRuntime(
  runtimes: readonly RuntimeName[],
  groups: readonly (readonly BranchCell[])[],
  within: When,
): readonly (readonly When[])[] | undefined {
  const parts = runtimes.map((name) => {
    const own = groups.map((group) => group.filter(({ versions }) => versions[name] !== undefined));
    const some = own.filter(({ length }) => length > 0);
    const whens = some.length === 1 ? [[{ ...within, [name]: within[name] ?? '*' }]] : whensFor(some, within);
    return whens && own.map((group) => whens[some.indexOf(group)] ?? []);
  });
  if (parts.some((part) => part === undefined)) return undefined;
  return groups.map((_, index) => parts.flatMap((part) => part?.[index] ?? []));
}

/** By the values of one axis first, and within each value by the rest. */
function bySeveral(
  groups: readonly (readonly BranchCell[])[],
  within: When,
): readonly (readonly When[])[] | undefined {
  const cells = groups.flat();
  for (const axis of Object.keys(cells[0]?.cell ?? {}).filter((name) => within[name] === undefined)) {
    const values = [...new Set(cells.map(({ cell }) => cell[axis] ?? ''))];
    if (values.length < 2) continue;
    const parts = values.map((value) => {
      const own = groups.map((group) => group.filter(({ cell }) => cell[axis] === value));
      const when = { ...within, [axis]: value };
      if (own.filter(({ length }) => length > 0).length === 1)
        return own.map(({ length }) => (length > 0 ? [when] : []));
      return whensFor(own, when);
    });
    if (parts.some((part) => part === undefined)) continue;
    return groups.map((_, index) => parts.flatMap((part) => part?.[index] ?? []));
  }
  return undefined;
}

/** The names that a `when` can use, the runtime first. */
function namesOf(cells: readonly BranchCell[]): readonly string[] {
  const axes = Object.keys(cells[0]?.cell ?? {});
  return [...new Set([...NODE_COMPONENTS.filter(isRuntime), ...axes, ...NODE_COMPONENTS])];
}

const valueOf = (name: string, { cell, versions }: BranchCell): string | undefined =>
  (versions as Readonly<Record<string, string | undefined>>)[name] ?? cell[name];

/** For each group the ranges or values of one name that match its cells and no others. */
function rangesFor(
  name: string,
  groups: readonly (readonly BranchCell[])[],
): readonly (readonly string[])[] | undefined {
  const values = groups.map((group) => [...new Set(group.map((cell) => valueOf(name, cell)))]);
  const all = values.flat();
  if (all.includes(undefined) || new Set(all).size < all.length) return undefined;
  const known = values as readonly (readonly string[])[];
  const versions = new Map(known.flat().map((text) => [text, versionOf(text)]));
  if ([...versions.values()].includes(undefined)) return known;
  const sorted = known
    .flatMap((texts, group) => texts.map((text) => ({ group, version: versions.get(text) as SemVer })))
    .sort((a, b) => compare(a.version, b.version));
  return groups.map((_, group) => [rangeOf(group, sorted)]);
}

const versionOf = (text: string): SemVer | undefined =>
  parse(text, { loose: true }) ?? coerce(text) ?? undefined;

/**
 * For example `>=1.6.9 <1.6.37 || >=2.1.9`. Each range goes from the first version of a row of neighbours to the first
 * version of another group.
 */
function rangeOf(
  group: number,
  sorted: readonly { readonly group: number; readonly version: SemVer }[],
): string {
  const parts: string[] = [];
  sorted.forEach((one, index) => {
    if (one.group !== group || sorted[index - 1]?.group === group) return;
    const next = sorted.slice(index).find((other) => other.group !== group);
    const bounds = [
      ...(index === 0 ? [] : [`>=${one.version.version}`]),
      ...(next === undefined ? [] : [`<${next.version.version}`]),
    ];
    parts.push(bounds.join(' '));
  });
  return parts.join(' || ');
}

/** A `when` with an additional range. If it already has a range for that name, both must match. */
function narrowed(
  within: When,
  {
    name,
    range,
    cells,
  }: { readonly name: string; readonly range: string; readonly cells: readonly BranchCell[] },
): When {
  const before = within[name];
  if (before === undefined) return { ...within, [name]: range };
  const both = before
    .split('||')
    .flatMap((one) => range.split('||').map((other) => `${one.trim()} ${other.trim()}`))
    .filter((part) => cells.some((cell) => applies({ when: { [name]: part } }, cell)));
  return { ...within, [name]: both.map(withoutRepeated).join(' || ') };
}

/** Keeps only the narrower of two lower or two upper bounds. */
function withoutRepeated(part: string): string {
  const bounds = part.split(/\s+/).filter((text) => text !== '');
  if (bounds.some((text) => !/^(?:>=|<)\d/.test(text))) return [...new Set(bounds)].join(' ');
  const version = (text: string) => versionOf(text.replace(/^(?:>=|<)/, '')) as SemVer;
  const lower = bounds
    .filter((text) => text.startsWith('>='))
    .sort((a, b) => compare(version(b), version(a)));
  const upper = bounds.filter((text) => text.startsWith('<')).sort((a, b) => compare(version(a), version(b)));
  return [...lower.slice(0, 1), ...upper.slice(0, 1)].join(' ');
}
