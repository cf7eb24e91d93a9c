import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/ports.ts';

/** The machine's own clock; tests hand down one that takes no time. */
export const systemClock: Clock = {
  now: () => Math.round(performance.now()),
  date: () => new Date(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};
