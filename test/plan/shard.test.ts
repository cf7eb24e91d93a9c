import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { emptyShard, githubMatrix, takeShard } from '../../lab/assembly/shards.ts';
import { nameShard, parseShard, splitRuns } from '../../lab/plan/shard.ts';
import { planned } from '../rig/recorded-run.ts';
import { scratchFolder } from '../rig/scratch.ts';

const runsOf = (...titles: readonly string[]) => titles.map((title) => planned({ title }));
const planOf = (...titles: readonly string[]) => ({ formatVersion: 3, runs: runsOf(...titles) }) as const;
const titlesIn = ({ runs }: ReturnType<typeof takeShard>['plan']) => runs.map(({ title }) => title);

/** Slugs, some of them with a duration, and a number of shards. */
const split = fc.record({
  slugs: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 60 }),
  ms: fc.array(fc.option(fc.nat({ max: 100_000 }), { nil: undefined }), { maxLength: 60 }),
  count: fc.integer({ min: 1, max: 20 }),
});
const durationsOf = ({ slugs, ms }: { slugs: string[]; ms: (number | undefined)[] }) =>
  new Map(slugs.flatMap((slug, at) => (ms[at] === undefined ? [] : [[slug, ms[at]] as const])));

describe('splitRuns', () => {
  test('every run is in exactly one shard, and the same on every machine', () => {
    fc.assert(
      fc.property(split, ({ slugs, ms, count }) => {
        const runs = slugs.map((slug) => ({ slug }));
        const durations = durationsOf({ slugs, ms });
        const shards = splitRuns(runs, count, durations);
        expect(shards).toHaveLength(runs.length);
        expect(shards.every((shard) => Number.isInteger(shard) && shard >= 1 && shard <= count)).toBe(true);
        const again = new Map([...durations].reverse()); // the order of a report has no meaning
        expect(splitRuns(runs, count, again)).toEqual(shards);
      }),
    );
  });

  test('the shards of all machines together are the plan, each run once', () => {
    fc.assert(
      fc.property(split, ({ slugs, count }) => {
        const plan = planOf(...slugs);
        const all = Array.from({ length: Math.min(count, slugs.length) }, (_, at) =>
          titlesIn(
            takeShard(plan, { shard: { index: at + 1, count: Math.min(count, slugs.length) }, cwd: '/' })
              .plan,
          ),
        );
        expect(all.flat().sort()).toEqual([...slugs].sort());
      }),
    );
  });

  test('without durations no shard has two runs more than another', () => {
    fc.assert(
      fc.property(split, ({ slugs, count }) => {
        const shards = splitRuns(
          slugs.map((slug) => ({ slug })),
          count,
        );
        const sizes = Array.from({ length: count }, (_, at) => shards.filter((one) => one === at + 1).length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('with durations no shard takes longer than an equal part plus one run', () => {
    fc.assert(
      fc.property(split, ({ slugs, count }) => {
        const durations = new Map(slugs.map((slug, at) => [slug, 1 + ((at * 7919) % 1000)]));
        const shards = splitRuns(
          slugs.map((slug) => ({ slug })),
          count,
          durations,
        );
        const load = (shard: number) =>
          slugs.reduce((sum, slug, at) => sum + (shards[at] === shard ? (durations.get(slug) ?? 0) : 0), 0);
        const loads = Array.from({ length: count }, (_, at) => load(at + 1));
        const equal = [...durations.values()].reduce((a, b) => a + b, 0) / count;
        expect(Math.max(...loads)).toBeLessThanOrEqual(equal + Math.max(...durations.values()));
      }),
    );
  });

  test('a long run has its own shard, and an unknown run counts as average', () => {
    const runs = runsOf('a', 'long', 'b', 'c', 'new');
    const durations = new Map([
      ['a', 100],
      ['long', 900],
      ['b', 100],
      ['c', 100],
    ]);
    expect(splitRuns(runs, 3, durations)).toEqual([3, 1, 3, 3, 2]);
  });
});

test.each([
  ['1/1', { index: 1, count: 1 }],
  ['3/12', { index: 3, count: 12 }],
])('--shard %s', (text, shard) => {
  expect(parseShard(text)).toEqual({ ok: true, value: shard });
  expect(nameShard(shard)).toBe(text);
});

test.each(['', '1', '0/3', '4/3', '1/0', '-1/3', '1/3/5', '1.5/3', 'a/b', '1/99999', ' 1/3'])(
  '--shard %j is rejected',
  (text) => {
    expect(parseShard(text).ok).toBe(false);
  },
);

test('a shard that no run is left for is empty', () => {
  const part = takeShard(planOf('a', 'b'), { shard: { index: 3, count: 3 }, cwd: '/' });
  expect([part.plan.runs, part.shards]).toEqual([[], [1, 2]]);
  expect(emptyShard(part)).toBe('shard 3/3 has nothing to run: the plan has 2 runs in all');
});

describe('a matrix for GitHub Actions', () => {
  test('has a job for each shard', () => {
    expect(githubMatrix(planOf('a', 'b', 'c'), { shards: 2, cwd: '/' })).toEqual([
      { shard: '1/2', runs: 2 },
      { shard: '2/2', runs: 1 },
    ]);
  });

  test('has no job for a shard without runs', () => {
    expect(githubMatrix(planOf('a', 'b'), { shards: 5, cwd: '/' })).toEqual([
      { shard: '1/2', runs: 1 },
      { shard: '2/2', runs: 1 },
    ]);
  });

  test('takes durations from a report of --reporter json', () => {
    const cwd = scratchFolder();
    const runs = [{ slug: 'a', durationMs: 9 }, { slug: 'b', durationMs: 4 }, { slug: 'c' }];
    writeFileSync(join(cwd, 'before.json'), JSON.stringify({ formatVersion: 1, runs }));
    const flags = { shards: 2, durations: 'before.json', cwd };
    expect(githubMatrix(planOf('b', 'a', 'd'), flags).map((job) => job.runs)).toEqual([1, 2]);
    writeFileSync(join(cwd, 'before.json'), '{"runs":[{"slug":7}]}');
    expect(() => githubMatrix(planOf('a'), flags)).toThrow('is no report of --reporter json: runs.0.slug');
    expect(() => githubMatrix(planOf('a'), { ...flags, durations: 'none.json' })).toThrow('cannot be read');
  });
});
