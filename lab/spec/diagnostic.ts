import { shown, shownLine } from '../core/shown.ts';

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

/** More of a line than this, before and from what is meant, is left out. */
const BEFORE = 120;
const FROM = 200;

/** `file:line:column message`, the line itself and a squiggle below what is meant; safe to be shown. */
export function formatDiagnostic({ place, message, source }: Diagnostic): string {
  const said = message.split('\n').map((line) => shownLine(line, { whole: place.file }));
  const head = `${shown(place.file)}:${place.line}:${place.column} ${said.join('\n')}`;
  if (source === undefined || source.text === '') return head; // words that stand in no file
  const at = place.column - 1;
  const end = at + Math.min(Math.max(1, source.length), FROM);
  const cut = (from: number, to: number) => shown(source.text.slice(Math.max(0, from), to));
  const before = `${at > BEFORE ? '…' : ''}${cut(at - BEFORE, at)}`;
  const meant = cut(at, end);
  const after = `${cut(end, at + FROM)}${source.text.length > at + FROM ? '…' : ''}`;
  const squiggle = ' '.repeat(before.length) + '~'.repeat(Math.max(1, meant.length));
  return `${head}\n    ${before}${meant}${after}\n    ${squiggle}`;
}
