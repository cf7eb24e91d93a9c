/** What is in a file: a text, or bytes that are none. */
export interface Content {
  readonly content: string;
  /** `content` is the bytes in base64, as they are not UTF-8 */
  readonly encoding?: 'base64';
}

/** Byte for byte: what is UTF-8 becomes a text that gives the same bytes again, a byte order mark too. */
export function contentOf(bytes: Uint8Array): Content {
  try {
    return { content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { content: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
  }
}

export const bytesOf = ({ content, encoding }: Content): Uint8Array =>
  Buffer.from(content, encoding ?? 'utf8');

/**
 * What a node printed need not be UTF-8. In a text each byte that is not is half a surrogate pair, U+DC80 to U+DCFF (as in
 * Python's PEP 383), so that nothing is lost and different bytes stay different; a text of whole characters has none.
 */
const NOT_UTF8 = /[\udc80-\udcff]/u;

/** The bytes that such a text stands for. */
export function bytesOfText(text: string): Uint8Array {
  if (!NOT_UTF8.test(text)) return Buffer.from(text);
  return Buffer.concat(
    text.split(/([\udc80-\udcff])/u).map((part) => {
      const byte = byteOf(part);
      return byte === undefined ? Buffer.from(part) : Buffer.of(byte);
    }),
  );
}

/** The byte that one character of such a text is, where it is no character. */
export const byteOf = (character: string): number | undefined =>
  character.length === 1 && NOT_UTF8.test(character) ? character.charCodeAt(0) - 0xdc00 : undefined;

/**
 * A text that other people wrote, as it is shown to anybody: what would act on a terminal, or cannot be seen there, is
 * spelled out (`\u001b`, `\u202e`), line breaks and tabs are left alone. Within JSON it means the same as before.
 */
export const shown = (text: string): string =>
  text.replaceAll(UNSAFE, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** Control characters (C0 but \t and \n, DEL, C1), marks of direction and other invisible ones, halves of pairs. */
const UNSAFE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** More of one line than this helps nobody. */
const LONGEST_LINE = 2000;

/** One line, cut where it is too long; `whole` says where all of it is. */
export function shownLine(line: string, { whole }: { readonly whole: string }): string {
  if (line.length <= LONGEST_LINE) return shown(line);
  const start = line.slice(0, LONGEST_LINE).replace(/[\ud800-\udbff]$/, '');
  return `${shown(start)}… (${line.length} characters, all of them in ${whole})`;
}

/** A text within a sentence, between quotes that are not in it, on one line: nothing in it needs a backslash. */
export function quoted(text: string): string {
  const quote = ['"', "'", '`'].find((one) => !text.includes(one)) ?? '"';
  return `${quote}${text.replaceAll('\n', '\\n')}${quote}`;
}

/** A command as a shell takes it. */
export function pasteable(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
