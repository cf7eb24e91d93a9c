/** Where something stands in a file that someone wrote; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One mistake of the author of a file: what was wanted, what came instead, where, and the way out. */
export interface Diagnostic {
  readonly place: Place;
  readonly message: string;
  /** the line it stands in, and how many characters of it are meant, for the squiggle */
  readonly source?: { readonly text: string; readonly length: number };
}

/** `file:line:column message`, the line itself and a squiggle below what is meant. */
export function formatDiagnostic({ place, message, source }: Diagnostic): string {
  const head = `${place.file}:${place.line}:${place.column} ${message}`;
  if (source === undefined || source.text === '') return head; // words that stand in no file
  const squiggle = ' '.repeat(place.column - 1) + '~'.repeat(Math.max(1, source.length));
  return `${head}\n    ${source.text}\n    ${squiggle}`;
}
