import type { LabEvent } from '../events.ts';
import type { Place } from '../spec/diagnostic.ts';
import { messageOf } from '../core/lab-error.ts';

/** Turns events into something to read. Cannot change an outcome; one that throws makes the session inconclusive. */
export interface Reporter {
  readonly name: string;
  on(event: LabEvent): void;
  /** after the last event: writes what it kept until now */
  end(): Promise<void> | void;
}

/** The terminal, or whatever stands in its place; read once in main.ts. */
export interface Screen {
  /** what would act on a terminal is spelled out */
  readonly write: (text: string) => void;
  /** as it is, for a text that is safe already: with colours, or redrawn in place */
  readonly draw: (text: string) => void;
  readonly isTerminal: boolean;
  readonly color: boolean;
  readonly columns: number;
}

/** A place as editors and terminals open it. */
export const formatPlace = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;

/** Several reporters as one. */
export interface FanOut {
  readonly emit: (event: LabEvent) => void;
  /** Ends all of them; false where one broke, then or before: a report is missing, so the session is inconclusive. */
  end(): Promise<boolean>;
}

/**
 * Hands every event to every reporter. One that throws gets nothing more and the others are informed; the first in the list
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
