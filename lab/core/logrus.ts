import { GO_QUOTED, unquoteGo } from './go-quote.ts';

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
