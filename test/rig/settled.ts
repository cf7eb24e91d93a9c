import { setTimeout as sleep } from 'node:timers/promises';

import { hostState, type HostState } from './host-state.ts';

/**
 * Waits until the host is as wanted, because processes need a moment to end. Returns the last state, even if it is
 * not as wanted.
 */
export async function settled(wanted: HostState, ignore: readonly string[]): Promise<HostState> {
  for (let tries = 0; tries < 50; tries += 1) {
    const now = hostState(ignore);
    if (JSON.stringify(now) === JSON.stringify(wanted)) return now;
    await sleep(100);
  }
  return hostState(ignore);
}
