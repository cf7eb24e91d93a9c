import type { NodeState } from '../core/node-state.ts';
import type { Clock } from '../core/ports.ts';

/**
 * How a state compares with what is expected. `beyond`: there is more than expected, which may be about to disappear.
 * `unsure`: it is as expected, but because of something that may be about to disappear. The judge decides this; the
 * code here only waits.
 */
export type Settling = 'settled' | 'beyond' | 'unsure';

/** How long something that is more than expected may take to disappear. What takes longer was left behind. */
export const settleMs = ({ emulated = false }: { readonly emulated?: boolean }): number =>
  emulated ? 10_000 : 2000;

const EVERY_MS = 20;
/** an item that still exists after this time was not about to disappear */
const CONFIRM_MS = 100;

export interface SettleOptions {
  readonly look: () => Promise<NodeState>;
  readonly settling: (state: NodeState) => Settling;
  readonly forMs: number;
  readonly clock: Clock;
}

/**
 * Looks repeatedly until the state has settled or the time is over, and returns the last state. If the first state has
 * settled, it is that one.
 */
export async function settle(
  first: NodeState,
  { look, settling, forMs, clock }: SettleOptions,
): Promise<NodeState> {
  const deadline = clock.now() + forMs;
  let confirmed = false;
  for (let last = first; ; last = await look()) {
    const how = settling(last);
    if (how === 'settled' || (how === 'unsure' && confirmed)) return last;
    if (how === 'beyond' && clock.now() + EVERY_MS > deadline) return last;
    confirmed = how === 'unsure';
    await clock.sleep(confirmed ? CONFIRM_MS : EVERY_MS);
  }
}
