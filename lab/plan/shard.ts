import { err, ok, type Result } from '../core/lab-error.ts';

/** One of several parts of a plan, each for a separate machine. `index` counts from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** slug of a run → its duration in milliseconds */
export type Durations = ReadonlyMap<string, number>;

/** More machines than this are probably a typing error. */
const MOST = 10_000;

export const nameShard = ({ index, count }: Shard): string => `${index}/${count}`;

/** `2/3` */
export function parseShard(text: string): Result<Shard, string> {
  const [, index, count] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (index === undefined || count === undefined) return err('a shard is written as 1/3');
  if (count < 1 || count > MOST) return err(`there can be 1 to ${MOST} shards`);
  if (index < 1 || index > count)
    return err(`the first shard is 1/${count} and the last one ${count}/${count}`);
  return ok({ index, count });
}

/**
 * The number of the shard of each run, counted from 1. It is the same on every machine with the same runs in the same
 * order and the same durations. The longest run comes first, and each run goes into the shard with the least work so
 * far. A run without a known duration counts as average, so without durations the runs are distributed one by one.
 */
export function splitRuns(
  runs: readonly { readonly slug: string }[],
  count: number,
  durations: Durations = new Map(),
): readonly number[] {
  const known = runs.flatMap(({ slug }) => durations.get(slug) ?? []);
  const average = known.length === 0 ? 1 : known.reduce((sum, ms) => sum + ms, 0) / known.length;
  const order = runs
    .map(({ slug }, at) => ({ at, ms: Math.max(1, Math.round(durations.get(slug) ?? average)) }))
    .sort((a, b) => b.ms - a.ms || a.at - b.at);
  const loads = Array.from({ length: count }, () => 0);
  const shards = runs.map(() => 0);
  for (const { at, ms } of order) {
    const least = loads.indexOf(loads.reduce((a, b) => Math.min(a, b), Infinity));
    loads[least] = (loads[least] ?? 0) + ms;
    shards[at] = least + 1;
  }
  return shards;
}
