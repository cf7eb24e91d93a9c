import { shown, shownLine } from '../core/content.ts';

/** A place in a file that a person wrote. Line and column are counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One mistake in a file: what was wanted, what was found, where, and how to correct it. */
export interface Diagnostic {
  readonly place: Place;
  readonly message: string;
  /** the line of the place, and the number of characters to underline */
  readonly source?: { readonly text: string; readonly length: number };
}

/** If there are more characters in the line before the place or from it on, they are left out. */
const BEFORE = 120;
const FROM = 200;

/** `file:line:column message`, then the line with the mistake underlined. Safe to display. */
export function formatDiagnostic({ place, message, source }: Diagnostic): string {
  const lines = message.split('\n').map((line) => shownLine(line, { whole: place.file }));
  const head = `${shown(place.file)}:${place.line}:${place.column} ${lines.join('\n')}`;
  if (source === undefined || source.text === '') return head; // text that is not in a file
  const at = place.column - 1;
  const end = at + Math.min(Math.max(1, source.length), FROM);
  const cut = (from: number, to: number) => shown(source.text.slice(Math.max(0, from), to));
  const before = `${at > BEFORE ? '…' : ''}${cut(at - BEFORE, at)}`;
  const meant = cut(at, end);
  const after = `${cut(end, at + FROM)}${source.text.length > at + FROM ? '…' : ''}`;
  const squiggle = ' '.repeat(before.length) + '~'.repeat(Math.max(1, meant.length));
  return `${head}\n    ${before}${meant}${after}\n    ${squiggle}`;
}

/** `; did you mean "run-pod"?` if one of the words is similar enough to be a typing error. Otherwise empty. */
export function didYouMean(word: string, words: readonly string[]): string {
  const [near] = nearest(word, words);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

/** Those that may be meant, the nearest first, and only those that are about as near as the first. */
export function nearest(word: string, words: readonly string[]): readonly string[] {
  const near = words
    .map((known) => ({ known, distance: distanceOf(word.toLowerCase(), known.toLowerCase()) }))
    .filter(
      ({ known, distance }) => distance <= Math.max(1, Math.floor(Math.max(known.length, word.length) / 3)),
    )
    .sort((a, b) => a.distance - b.distance);
  return near.filter(({ distance }) => distance <= (near[0]?.distance ?? 0) + 1).map(({ known }) => known);
}

/** The number of letters that have to be changed, added, removed or swapped with their neighbour. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * The line at a place, and the number of characters to underline: a quoted text, a bracketed group, a key with its
 * value, or a word.
 */
export function sourceAt(text: string, place: Place): NonNullable<Diagnostic['source']> {
  const line = text.split('\n')[place.line - 1]?.trimEnd() ?? '';
  return { text: line, length: lengthOfToken(line.slice(place.column - 1)) };
}

/** A mistake at a place of a file whose text is available, or of a file that it includes. */
export function mistakeAt(
  place: Place,
  {
    text,
    included = {},
    message,
  }: { text: string; included?: Readonly<Record<string, string>>; message: string },
): Diagnostic {
  return { place, message, source: sourceAt(included[place.file] ?? text, place) };
}

function lengthOfToken(rest: string): number {
  const quoted = /^(?:'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")/.exec(rest);
  if (quoted !== null) return quoted[0].length;
  if (rest.startsWith('{') || rest.startsWith('[')) return lengthOfGroup(rest);
  const word = /^(?:\$\{[^}]*\}|[^\s,\]}#])+/.exec(rest)?.[0] ?? '';
  return word.endsWith(':') ? rest.length : Math.max(1, word.length);
}

function lengthOfGroup(rest: string): number {
  let depth = 0;
  for (const [index, character] of [...rest].entries()) {
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    if (depth === 0) return index + 1;
  }
  return rest.length;
}
