import type { NodeState } from '../core/node-state.ts';
import type { Clock } from '../core/ports.ts';

/**
 * How what a look saw stands to what is expected: there is more (`beyond`), which may be just about to go; or it is as
 * expected by something that may be just about to go (`unsure`). Who decides that is the judge; here it is only waited for.
 */
export type Settling = 'settled' | 'beyond' | 'unsure';

/** How long what is more than expected may take to go; what goes later was left behind. */
export const settleMs = ({ emulated = false }: { readonly emulated?: boolean }): number =>
  emulated ? 10_000 : 2000;

const EVERY_MS = 20;
/** after this, what is still there was not just about to go */
const CONFIRM_MS = 100;

export interface SettleOptions {
  readonly look: () => Promise<NodeState>;
  readonly settling: (state: NodeState) => Settling;
  readonly forMs: number;
  readonly clock: Clock;
}

/** Looks again until all has settled, or the time is over, and returns the last state: the first one, if that has. */
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
