import { LabError, type Result } from './lab-error.ts';
import type { Clock } from './ports.ts';

export interface WaitOptions {
  readonly everyMs: number;
  readonly forMs: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** A condition was not met in time. All other problems are other kinds of LabError. */
export class NotInTime extends LabError {}

/**
 * Calls `probe` until it returns a value. An error of `probe` describes what it saw instead. The last error is part of
 * the NotInTime that is thrown after `forMs`. Never sleeps past the deadline, and always calls `probe` at least once.
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

/** Runs all of them at once. The first that throws aborts the others. Its error is thrown after all have ended. */
export async function together<T>(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<T>)[],
): Promise<readonly T[]> {
  const inner = new AbortController();
  const ends = await Promise.allSettled(
    works.map(async (work) => {
      try {
        // one signal for each, because Node warns about many listeners on one signal
        return await work(AbortSignal.any([signal, inner.signal]));
      } catch (thrown) {
        inner.abort(thrown);
        throw thrown;
      }
    }),
  );
  if (inner.signal.aborted) throw inner.signal.reason;
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}
