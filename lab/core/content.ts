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
