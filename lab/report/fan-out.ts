import { messageOf } from '../core/lab-error.ts';
import type { LabEvent } from '../events.ts';
import type { Reporter } from './reporter.ts';

/** Several reporters as one. */
export interface FanOut {
  readonly emit: (event: LabEvent) => void;
  /** Ends all of them; false where one broke, then or before: a report is missing, so the session is inconclusive. */
  end(): Promise<boolean>;
}

/**
 * Hands every event to every reporter. One that throws gets nothing more and the others are told; the first in the list
 * is the last to end, so that it can still say what became of the rest.
 */
export function fanOut(reporters: readonly Reporter[]): FanOut {
  const working = new Set(reporters);
  let ended: Promise<boolean> | undefined;

  const give = (event: LabEvent): void => {
    for (const reporter of [...working]) {
      try {
        reporter.on(event);
      } catch (thrown) {
        drop(reporter, thrown);
      }
    }
  };
  const drop = (reporter: Reporter, thrown: unknown): void => {
    working.delete(reporter);
    const message = `the reporter ${reporter.name} broke, so this session is inconclusive: ${messageOf(thrown)}`;
    give({ kind: 'notice', message });
  };
  const endAll = async (): Promise<boolean> => {
    for (const reporter of [...reporters].reverse()) {
      if (!working.has(reporter)) continue;
      try {
        await reporter.end();
      } catch (thrown) {
        drop(reporter, thrown);
      }
    }
    return working.size === reporters.length;
  };

  return { emit: give, end: () => (ended ??= endAll()) };
}
