import { expect, test } from 'vitest';

import type { NodeState } from '../../lab/core/node-state.ts';
import { settle, settleMs, type Settling } from '../../lab/steps/settle.ts';
import { item, state } from '../rig/recorded-run.ts';

/** The number of shims in each look; the last number is repeated. At most `expected` are expected. */
async function settled(counts: readonly number[], expected: number) {
  let nowMs = 0;
  let looked = 0;
  const seen = (): NodeState => {
    const count = counts[Math.min(looked, counts.length - 1)] ?? 0;
    looked += 1;
    return state(Array.from({ length: count }, () => item('shim', 'shim')));
  };
  const last = await settle(seen(), {
    look: async () => seen(),
    settling: ({ items: { length } }): Settling =>
      length > expected ? 'beyond' : length > 0 ? 'unsure' : 'settled',
    forMs: settleMs({}),
    clock: { now: () => nowMs, date: () => new Date(nowMs), sleep: async (ms) => void (nowMs += ms) },
  });
  return { last: last.items.length, looked, nowMs };
}

test('a state as expected is looked at once', async () => {
  expect(await settled([0, 5], 0)).toEqual({ last: 0, looked: 1, nowMs: 0 });
});

test('items beyond the expectation are waited for to go', async () => {
  expect(await settled([2, 1, 0], 0)).toEqual({ last: 0, looked: 3, nowMs: 40 });
});

test('items that do not go are waited for until the limit', async () => {
  expect(await settled([1], 0)).toEqual({ last: 1, looked: 101, nowMs: 2000 });
});

test('items that go after the limit were left behind', async () => {
  expect((await settled([...Array.from({ length: 101 }, () => 1), 0], 0)).last).toBe(1);
});

test('a state that meets the expectation but may be changing is looked at once more', async () => {
  expect(await settled([1], 1)).toEqual({ last: 1, looked: 2, nowMs: 100 });
  expect(await settled([1, 0], 1)).toEqual({ last: 0, looked: 2, nowMs: 100 });
});

test('a state that has become as expected is confirmed too', async () => {
  expect(await settled([2, 1, 0], 1)).toEqual({ last: 0, looked: 3, nowMs: 120 });
});

test('an emulated machine gets more time', () => {
  expect(settleMs({ emulated: true })).toBe(10_000);
});
