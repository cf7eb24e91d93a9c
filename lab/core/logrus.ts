/** A string that Go quoted with `%q` or strconv.Quote; see `unquoteGo`. Matches a complete quoted string. */
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
 * Undoes the quoting of Go, byte for byte. `\x` is one byte: Go writes control characters and invalid UTF-8 this way.
 * Invalid UTF-8 becomes U+FFFD here, as in all output of a node. Text without quotes is returned unchanged.
 */
export function unquoteGo(quoted: string): string {
  if (!/^".*"$/s.test(quoted)) return quoted;
  // true for nearly all texts; the judge reads complete logs, so speed matters
  if (!/[\\\ud800-\udfff]/.test(quoted)) return quoted.slice(1, -1);
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

/**
 * One line of a log. Text that is not a log line (a panic, the output of a plugin) has no level and is only a message.
 */
export interface LogLine {
  /** as written in the log, with nanoseconds; empty if there is none */
  readonly timeText: string;
  /** a level of logrus: debug, info, warning, error, fatal, panic; empty if there is none */
  readonly level: string;
  readonly message: string;
  /** all other fields; `error` is the important one */
  readonly fields: Readonly<Record<string, string>>;
  readonly raw: string;
}

/**
 * Reads a log, line by line. Supports both formats of logrus, text and JSON. Go runtimes and crictl log with this
 * library.
 */
export function parseLogrus(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLogrusLine);
}

export function parseLogrusLine(raw: string): LogLine {
  const all = raw.startsWith('{') ? jsonFields(raw) : textFields(raw);
  if (all === undefined) return { timeText: '', level: '', message: raw, fields: {}, raw };
  const { time = '', level = '', msg = '', ...fields } = all;
  return { timeText: time, level, message: msg, fields, raw };
}

/**
 * A value is quoted if it contains anything but letters, digits and -._/@^+. It may be missing. See TextFormatter of
 * logrus.
 */
const FIELD = new RegExp(`(?<name>[^\\s=]+)=(?<value>${GO_QUOTED.source}|[^\\s"]*)(?:\\s+|$)`, 'y');

function textFields(raw: string): Record<string, string> | undefined {
  if (!raw.startsWith('time=')) return undefined;
  const fields: Record<string, string> = {};
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < raw.length) {
    const { name, value } = FIELD.exec(raw)?.groups ?? {};
    if (name === undefined || value === undefined) return undefined;
    fields[name] = unquoteGo(value);
  }
  return fields;
}

function jsonFields(raw: string): Record<string, string> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !('level' in parsed)) return undefined;
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}
