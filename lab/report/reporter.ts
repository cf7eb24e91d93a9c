import type { LabEvent } from '../events.ts';
import type { Place } from '../spec/diagnostic.ts';
import { messageOf } from '../core/lab-error.ts';

/**
 * Turns events into readable output. Cannot change an outcome, but a reporter that throws makes the session
 * inconclusive.
 */
export interface Reporter {
  readonly name: string;
  on(event: LabEvent): void;
  /** after the last event; writes what it has kept */
  end(): Promise<void> | void;
}

/** The terminal, or its replacement. Created once in main.ts. */
export interface Screen {
  /** escapes characters that would control a terminal */
  readonly write: (text: string) => void;
  /** unchanged, for text that is already safe: with colours, or redrawn in place */
  readonly draw: (text: string) => void;
  readonly isTerminal: boolean;
  readonly color: boolean;
  readonly columns: number;
}

/** A place in the form that editors and terminals can open. */
export const formatPlace = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;

/** Several reporters as one. */
export interface FanOut {
  readonly emit: (event: LabEvent) => void;
  /** Ends all reporters. False if one threw, now or before: a report is missing, so the session is inconclusive. */
  end(): Promise<boolean>;
}

/**
 * Passes every event to every reporter. A reporter that throws gets no more events, and the others are notified. The
 * first in the list ends last, so that it can report problems of the others.
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
