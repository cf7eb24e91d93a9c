import compareVersions from 'semver/functions/compare.js';
import parse from 'semver/functions/parse.js';
import type { RunPlan } from './plan.ts';

/** The order of runs whose files are not at hand: by scenario, then by each axis, versions as versions. */
export function compareRuns(a: Order, b: Order): number {
  return (
    compareWords(a.scenario.name, b.scenario.name) ||
    Object.entries(a.cell)
      .map(([axis, value]) => compareValues(value, b.cell[axis] ?? ''))
      .find((order) => order !== 0) ||
    0
  );
}

type Order = Pick<RunPlan, 'cell'> & { readonly scenario: { readonly name: string } };

/** `debian:1.6.20` stands with the other ones of Debian. */
function compareValues(a: string, b: string): number {
  const [first, second] = [a, b].map((value) => {
    const colon = value.indexOf(':') + 1;
    return { source: value.slice(0, colon), version: parse(value.slice(colon), { loose: true }) };
  });
  if (!first?.version || !second?.version || first.source !== second.source) return compareWords(a, b);
  return compareVersions(first.version, second.version);
}

const { compare: compareWords } = new Intl.Collator('en', { numeric: true });
