import type { Clock } from '../core/ports.ts';

/**
 * How what was seen compares with what is expected. `beyond`: it may be about to become as expected, because there is
 * more than expected, or a line is not in the log yet. `unsure`: it is as expected, but because of something that may be
 * about to disappear. The judge decides this; the code here only waits.
 */
export type Settling = 'settled' | 'beyond' | 'unsure';

/**
 * How long something that is more than expected may take to disappear, and a line to be logged. What takes longer was
 * left behind, or is missing.
 */
export const settleMs = ({ emulated = false }: { readonly emulated?: boolean }): number =>
  emulated ? 10_000 : 2000;

const EVERY_MS = 20;
/** an item that still exists after this time was not about to disappear */
const CONFIRM_MS = 100;

export interface SettleOptions<Seen> {
  readonly look: () => Promise<Seen>;
  readonly settling: (seen: Seen) => Settling;
  readonly forMs: number;
  readonly clock: Clock;
}

/**
 * Looks repeatedly until what is seen has settled or the time is over, and returns what was seen last. If that has
 * settled at first, it is the first.
 */
export async function settle<Seen>(
  first: Seen,
  { look, settling, forMs, clock }: SettleOptions<Seen>,
): Promise<Seen> {
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
