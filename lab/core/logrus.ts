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
  if (!/[\\\ud800-\udfff]/.test(quoted)) return quoted.slice(1, -1); // nearly every text: the judge reads whole logs
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

/** One line of a log. What is not a log line (a panic, what a plugin printed) has no level and is all message. */
export interface LogLine {
  /** as it stands there, to the nanosecond; empty if there is none */
  readonly timeText: string;
  /** in logrus's words: debug, info, warning, error, fatal, panic; empty if there is none */
  readonly level: string;
  readonly message: string;
  /** everything else: `error` is the one that matters */
  readonly fields: Readonly<Record<string, string>>;
  readonly raw: string;
}

/** A log in both formats of logrus, the library that Go's runtimes and crictl log with: text, and JSON, line by line. */
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

/** A value is quoted where it holds more than letters, digits and -._/@^+, and may be missing; see logrus's TextFormatter. */
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
