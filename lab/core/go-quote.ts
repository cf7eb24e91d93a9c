/** What `%q` and strconv.Quote of Go wrote; undone by `unquoteGo`. Matches a whole quoted string at the place it stands. */
export const GO_QUOTED = /"(?:[^"\\\n]|\\.)*"/;

const ONE_LETTER: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/**
 * The text that Go quoted, byte for byte. `\x` stands for one byte, which is how Go writes control characters and what is
 * not UTF-8; the latter becomes U+FFFD here, as in everything that a node prints. Text without quotes is returned as it is.
 */
export function unquoteGo(quoted: string): string {
  if (!/^".*"$/s.test(quoted)) return quoted;
  const parts = quoted
    .slice(1, -1)
    .matchAll(/\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\(.)|[^\\]+/gs);
  const bytes = [...parts].map(([text, byte, short, long, letter]) => {
    if (byte !== undefined) return Buffer.from(byte, 'hex');
    const codePoint = short ?? long;
    if (codePoint !== undefined) return Buffer.from(String.fromCodePoint(Number.parseInt(codePoint, 16)));
    return Buffer.from(letter === undefined ? text : (ONE_LETTER[letter] ?? letter));
  });
  return Buffer.concat(bytes).toString();
}
