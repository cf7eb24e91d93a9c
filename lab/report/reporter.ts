import type { LabEvent } from '../events.ts';

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
