import { byteOf } from '../core/content.ts';

/** Two different texts and the positions of the first difference, in UTF-16 units. */
export interface Difference {
  readonly expected: string;
  readonly expectedAt: number;
  readonly actual: string;
  readonly at: number;
}

/** How many characters of a line are shown. A longer line is reduced to a window around the difference. */
const WIDTH = 96;
const BEFORE = 40;

/** The position of the first difference for people: characters, counted from 1. */
export function positionOf({ actual, at }: Pick<Difference, 'actual' | 'at'>): number {
  return [...actual.slice(0, at)].length + 1;
}

/**
 * Both texts, one above the other, with a pointer to the first difference. Invisible characters (tabs, line breaks,
 * unusual spaces) are made visible. A long text is shortened around the difference; the complete actual text follows.
 */
export function showDifference(difference: Difference): readonly string[] {
  const whole = [difference.expected, difference.actual].every((text) => [...text].length <= WIDTH);
  const expected = cut(difference.expected, { at: difference.expectedAt, whole });
  const actual = cut(difference.actual, { at: difference.at, whole });
  const indent = ' '.repeat('expected  '.length + Math.max(expected.column, actual.column));
  const pad = (side: Cut) => ' '.repeat(Math.max(expected.column, actual.column) - side.column);
  return [
    `expected  ${pad(expected)}${expected.text}`,
    `actual    ${pad(actual)}${actual.text}`,
    `${indent}^ ${describe(difference)}`,
    ...(actual.cut ? [`actual in full  ${visible(difference.actual)}`] : []),
  ];
}

interface Cut {
  readonly text: string;
  /** column of the difference in `text`, as a terminal counts columns */
  readonly column: number;
  readonly cut: boolean;
}

function cut(text: string, { at, whole }: { readonly at: number; readonly whole: boolean }): Cut {
  const before = [...text.slice(0, at)];
  const after = [...text.slice(at)];
  const from = whole ? 0 : Math.max(0, before.length - BEFORE);
  const to = whole ? after.length : Math.min(after.length, WIDTH - BEFORE);
  const head = visible(`${from > 0 ? '…' : ''}${before.slice(from).join('')}`);
  const tail = visible(`${after.slice(0, to).join('')}${to < after.length ? '…' : ''}`);
  return { text: head + tail, column: columnsOf(head), cut: from > 0 || to < after.length };
}

function describe({ expected, expectedAt, actual, at }: Difference): string {
  const wanted = characterAt(expected, expectedAt);
  const came = characterAt(actual, at);
  if (wanted === undefined && came === undefined) return 'first difference';
  if (wanted === undefined) return 'first difference: nothing more was expected';
  if (came === undefined) return 'first difference: it ends here';
  if (isPlain(wanted) && isPlain(came)) return 'first difference';
  return `first difference: expected ${nameOf(wanted)}, actual ${nameOf(came)}`;
}

const characterAt = (text: string, at: number): string | undefined => [...text.slice(at, at + 2)][0];
const isPlain = (character: string): boolean => /^[!-~]$/.test(character);
const nameOf = (character: string): string => {
  if (isPlain(character)) return JSON.stringify(character);
  return NAMES[character] ?? codePoint(character);
};
const NAMES: Readonly<Record<string, string>> = {
  ' ': 'a space',
  '\t': 'a tab',
  '\n': 'a line break',
  '\r': 'a carriage return',
};
const codePoint = (character: string): string => {
  const byte = byteOf(character);
  const [prefix, number] = byte === undefined ? ['U+', character.codePointAt(0) ?? 0] : ['0x', byte];
  return `${prefix}${number
    .toString(16)
    .toUpperCase()
    .padStart(byte === undefined ? 4 : 2, '0')}`;
};

/**
 * Shows control characters as symbols (␉ ␊), other spaces, marks and invisible characters as `<U+00A0>`, and bytes that
 * are not UTF-8 as `<0xFF>`.
 */
export function visible(text: string): string {
  return text
    .replaceAll(/[\u0000-\u001f]/g, (control) => String.fromCodePoint(0x2400 + (control.codePointAt(0) ?? 0))) // eslint-disable-line no-control-regex
    .replaceAll('\u007f', '␡')
    .replaceAll(/(?! )[\p{Z}\p{C}\p{M}]/gu, (odd) => `<${codePoint(odd)}>`);
}

const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u;
const columnsOf = (text: string): number =>
  [...text].reduce((columns, character) => columns + (WIDE.test(character) ? 2 : 1), 0);
