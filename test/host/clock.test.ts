import { expect, test, vi } from 'vitest';

import { systemClock, msSince, startTicks, ticksNow } from '../../lab/host/machine.ts';

test('a duration does not change if the machine’s clock is set meanwhile', () => {
  const before = systemClock.now();
  const today = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: today - 26 * 365 * 24 * 3_600_000 });
  try {
    expect(systemClock.date().getTime()).toBeLessThan(today);
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(0);
    expect(systemClock.now() - before).toBeLessThan(10_000);
  } finally {
    vi.useRealTimers();
  }
});

test('the age of a process is counted from the boot; a time in the future has none', async () => {
  const mine = (await startTicks(process.pid)) ?? 0;
  expect(Math.abs(((await msSince(mine)) ?? 0) - process.uptime() * 1000)).toBeLessThan(1000);
  expect(await msSince(((await ticksNow()) ?? 0) + 100)).toBeUndefined();
});
