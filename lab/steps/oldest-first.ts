import type { StateItem } from '../core/node-state.ts';

/** Sandboxes by the time of their creation, which CRI tells in nanoseconds and its list does not go by; then by their id. */
export function oldestFirst(items: readonly StateItem[]): readonly StateItem[] {
  return items
    .map((item) => ({ item, createdAt: BigInt(item.detail?.['createdAt'] ?? 0) }))
    .sort((a, b) => compare(a.createdAt, b.createdAt) || compare(a.item.name, b.item.name))
    .map(({ item }) => item);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
