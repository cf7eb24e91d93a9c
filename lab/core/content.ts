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
