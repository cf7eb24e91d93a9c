import { err, ok, type Result } from '../core/lab-error.ts';
import { journalEntryOf } from './journal-shape.ts';
import type { JournalEntry } from './observation.ts';

/** The version of journal.jsonl. docs/journal.md says when it changes. */
export const JOURNAL_FORMAT_VERSION = 3;

/** One entry as a line of journal.jsonl, including the line break. */
export function formatJournalEntry(entry: JournalEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * Reads a journal, or returns why it is not one. A journal that was cut off, for example by `kill -9`, is read up to
 * that point. An incomplete last line becomes an entry that says so. The judge then treats the rest as unknown.
 */
export function parseJournal(text: string): Result<readonly JournalEntry[], string> {
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  const entries: JournalEntry[] = [];
  for (const [index, line] of lines.entries()) {
    const entry = parseLine(line);
    if (!entry.ok) return err(`line ${index + 1} ${entry.error}`);
    entries.push(entry.value);
  }
  const half = last === '' ? undefined : parseLine(last);
  if (half?.ok === true) entries.push(half.value);

  const [first] = entries;
  if (first !== undefined && first.kind !== 'run-started') {
    return err(`line 1 is ${JSON.stringify(first.kind)}, expected "run-started"`);
  }
  if (first === undefined) return ok([broken('it is empty', 0)]);
  if (half?.ok === false) {
    const shown = last.length > 60 ? `${last.slice(0, 60)}…` : last;
    return ok([...entries, broken(`its last line is half written: ${shown}`, entries.at(-1)?.atMs ?? 0)]);
  }
  return ok(entries);
}

function parseLine(line: string): Result<JournalEntry, string> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return err('is not JSON');
  }
  return journalEntryOf(value, JOURNAL_FORMAT_VERSION);
}

const broken = (message: string, atMs: number): JournalEntry => ({
  kind: 'lab-failure',
  during: 'writing the journal',
  message,
  atMs,
});
