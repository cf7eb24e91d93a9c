import { setTimeout as sleep } from 'node:timers/promises';

import { hostState, type HostState } from './host-state.ts';

/** The host once it is as wanted: processes that were told to end need a moment. What is still there after that stays. */
export async function settled(wanted: HostState, ignore: readonly string[]): Promise<HostState> {
  for (let tries = 0; tries < 50; tries += 1) {
    const now = hostState(ignore);
    if (JSON.stringify(now) === JSON.stringify(wanted)) return now;
    await sleep(100);
  }
  return hostState(ignore);
}
