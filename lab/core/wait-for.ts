import { LabError, type Result } from './lab-error.ts';
import type { Clock } from './ports.ts';

export interface WaitOptions {
  readonly everyMs: number;
  readonly forMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** What was waited for did not come about; everything else that can go wrong is another LabError. */
export class NotInTime extends LabError {}

/**
 * Asks until the answer is there. `probe` returns what it saw instead as its error; the last of these stands in the
 * NotInTime after `forMs`. Never sleeps past the deadline, and always asks at least once.
 */
export async function waitFor<T>(
  subject: string,
  probe: () => Promise<Result<T, string>>,
  { everyMs, forMs, clock, signal }: WaitOptions,
): Promise<T> {
  const deadline = clock.now() + forMs;
  for (;;) {
    signal?.throwIfAborted();
    const seen = await probe();
    if (seen.ok) return seen.value;
    if (clock.now() + everyMs > deadline) {
      throw new NotInTime(`${subject} was not ready after ${forMs} ms; last seen: ${seen.error}`);
    }
    await clock.sleep(everyMs, signal);
  }
}

/** All of them at once; the first that throws ends the others, and is thrown when they have ended. */
export async function together<T>(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<T>)[],
): Promise<readonly T[]> {
  const inner = new AbortController();
  const ends = await Promise.allSettled(
    works.map(async (work) => {
      try {
        return await work(AbortSignal.any([signal, inner.signal])); // one for each: Node warns of many listeners on one
      } catch (thrown) {
        inner.abort(thrown);
        throw thrown;
      }
    }),
  );
  if (inner.signal.aborted) throw inner.signal.reason;
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}
