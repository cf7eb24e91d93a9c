import type { JournalEntry } from '../../lab/observe/observation.ts';

export interface ShorterJournal {
  readonly entries: readonly JournalEntry[];
  readonly without: string;
}

/** The journal without some lines, and with a last line that matches: as if they had never been written. */
export function without(
  entries: readonly JournalEntry[],
  drop: (entry: JournalEntry) => boolean,
): readonly JournalEntry[] {
  const left = entries.filter((entry) => !drop(entry));
  return left.map((entry) => (entry.kind === 'run-ended' ? { ...entry, entries: left.length } : entry));
}

/** Without all lines of one kind, for each kind. */
export const withoutEachKind = (entries: readonly JournalEntry[]): readonly ShorterJournal[] =>
  [...new Set(entries.map(({ kind }) => kind))].map((kind) => ({
    entries: without(entries, (entry) => entry.kind === kind),
    without: `every ${kind}`,
  }));

/** Without one line, for each line of a kind that is evidence of a step. */
export const withoutEachLine = (entries: readonly JournalEntry[]): readonly ShorterJournal[] =>
  entries.map((line) => ({
    entries: without(entries, (entry) => entry === line),
    without: `${line.kind}${'stepId' in line ? ` of ${line.stepId}` : ''}`,
  }));
