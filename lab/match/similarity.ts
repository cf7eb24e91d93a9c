/** How alike two texts are, from 0 to 1: the share of pairs of neighbouring characters that they have in common. */
export function similarity(a: string, b: string): number {
  if (a === b) return 1;
  const pairs = countPairs(a);
  let common = 0;
  for (const [pair, count] of countPairs(b)) common += Math.min(count, pairs.get(pair) ?? 0);
  const all = Math.max(0, a.length - 1) + Math.max(0, b.length - 1);
  return all === 0 ? 0 : (2 * common) / all;
}

function countPairs(text: string): ReadonlyMap<string, number> {
  const pairs = new Map<string, number>();
  for (let index = 0; index < text.length - 1; index++) {
    const pair = text.slice(index, index + 2);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}
