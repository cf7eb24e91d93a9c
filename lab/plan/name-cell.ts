import type { Cell } from './fill.ts';

/** `containerd=1.6.4 preference=''`: a cell as people name it, and as `--set` takes it. */
export const nameCell = (cell: Cell): string =>
  Object.entries(cell)
    .map(([axis, value]) => `${axis}=${nameValue(value)}`)
    .join(' ');

/** A value of an axis; an empty one can be seen. */
export const nameValue = (value: string): string => (value === '' ? "''" : value);

const LONGEST = 120;

/** File names for runs: unique in a plan, whatever the case of letters, and the same for the same plan. */
export function createSlugs(): (words: readonly string[]) => string {
  const taken = new Set<string>();
  return (words) => {
    const plain = words
      .map((word) => word.replaceAll(/[^A-Za-z0-9._-]+/g, '-'))
      .join('.')
      .slice(0, LONGEST);
    let slug = plain;
    for (let count = 2; taken.has(slug.toLowerCase()); count += 1) slug = `${plain}-${count}`;
    taken.add(slug.toLowerCase());
    return slug;
  };
}
