import type { JournalEntry } from '../observe/observation.ts';

export type Seen<K extends JournalEntry['kind']> = Extract<JournalEntry, { readonly kind: K }>;

/** The lines of one kind, in their order. */
export function ofKind<K extends JournalEntry['kind']>(
  entries: readonly JournalEntry[],
  kind: K,
): readonly Seen<K>[] {
  return entries.filter((entry): entry is Seen<K> => entry.kind === kind);
}
