/** The content of a file: text, or binary data. */
export interface Content {
  readonly content: string;
  /** `content` is base64, because the bytes are not valid UTF-8 */
  readonly encoding?: 'base64';
}

/** Keeps every byte: valid UTF-8 becomes a text that encodes to the same bytes, including a byte order mark. */
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
 * The output of a node is not always valid UTF-8. Each invalid byte becomes half a surrogate pair in the text, U+DC80
 * to U+DCFF, as in PEP 383 of Python. So no byte is lost and different bytes stay different. A valid text contains no
 * such character.
 */
const NOT_UTF8 = /[\udc80-\udcff]/u;

/** The bytes of such a text. */
export function bytesOfText(text: string): Uint8Array {
  if (!NOT_UTF8.test(text)) return Buffer.from(text);
  return Buffer.concat(
    text.split(/([\udc80-\udcff])/u).map((part) => {
      const byte = byteOf(part);
      return byte === undefined ? Buffer.from(part) : Buffer.of(byte);
    }),
  );
}

/** The invalid byte that a character of such a text stands for; undefined for a real character. */
export const byteOf = (character: string): number | undefined =>
  character.length === 1 && NOT_UTF8.test(character) ? character.charCodeAt(0) - 0xdc00 : undefined;

/**
 * Makes a text from an untrusted source safe to display. Characters that control a terminal or are invisible are
 * escaped (`\u001b`, `\u202e`). Line breaks and tabs stay. In JSON the escaped text has the same meaning as before.
 */
export const shown = (text: string): string =>
  text.replaceAll(UNSAFE, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/**
 * Control characters (C0 except \t and \n, DEL, C1), direction marks and other invisible characters, unpaired
 * surrogates.
 */
const UNSAFE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * The runner of GitHub takes a line such as `::error::…` for a command, also where it is indented, and `##[error]…` anywhere in
 * a line. With a backslash in front it is a text. https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
 */
export const withoutCommands = (text: string): string =>
  text.replaceAll(/^([\s\u0085]*)::(?=[^\n\r]*::)/gm, '$1\\::').replaceAll(/##(?=\[)/g, '##\\');

/** A longer line is not useful to a reader. */
const LONGEST_LINE = 2000;

/** One line, shortened if it is too long. `whole` says where the complete line is. */
export function shownLine(line: string, { whole }: { readonly whole: string }): string {
  if (line.length <= LONGEST_LINE) return shown(line);
  const start = line.slice(0, LONGEST_LINE).replace(/[\ud800-\udbff]$/, '');
  return `${shown(start)}… (${line.length} characters, all of them in ${whole})`;
}

/**
 * Puts a text in quotes, on one line, for use in a sentence. The quotes are ones that the text does not contain, so
 * that no backslash is needed.
 */
export function quoted(text: string): string {
  const quote = ['"', "'", '`'].find((one) => !text.includes(one)) ?? '"';
  return `${quote}${text.replaceAll('\n', '\\n')}${quote}`;
}

/** A command that can be pasted into a shell. */
export function pasteable(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** Any value that JSON can represent. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}
