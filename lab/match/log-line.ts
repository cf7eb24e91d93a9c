import type { LogLine } from '../core/logrus.ts';
import type { LogExpectation } from '../spec/scenario.ts';
import { scanTemplate } from '../spec/template.ts';
import { assign, type Assigned, type Attempt } from './assign.ts';
import type { Bindings } from './bindings.ts';
import { matchExact, matchExpectation, type TextMatch, fillIn } from './text.ts';

/** Whether a line of the runtime log is the wanted one: its level, its message and the given fields. */
export function matchLine(
  { level, message, fields }: LogExpectation,
  line: LogLine,
  known: Bindings,
): Attempt {
  if (level !== undefined && line.level !== level) return 'no';
  if (Object.keys(fields).some((name) => line.fields[name] === undefined)) return 'no';
  const texts = Object.entries(fields).map(
    ([name, template]) =>
      (bindings: Bindings): TextMatch =>
        matchExact(template, line.fields[name] ?? '', bindings),
  );
  let bindings = known;
  let undecided = false;
  for (const match of [(before: Bindings) => matchExpectation(message, line.message, before), ...texts]) {
    const text = match(bindings);
    if (text.matched) ({ bindings } = text);
    else if (text.undecided !== true) return 'no';
    else undecided = true;
  }
  return undecided ? 'undecided' : { bindings };
}

/** Finds a different line for each wanted one, in any order. A name has the same value in all of them. */
export const matchLines = (
  wanted: readonly LogExpectation[],
  lines: readonly LogLine[],
  known: Bindings,
): Assigned =>
  assign({
    wanted,
    items: lines,
    known,
    loose: new Map([...known].filter(([name]) => !namesBoundBy(wanted).has(name))),
    attempt: matchLine,
    alike: (one, other) => textOf(one) === textOf(other),
  });

export const messageText = ({ message }: Pick<LogExpectation, 'message'>): string =>
  'exact' in message ? message.exact : message.contains;

const namesBoundBy = (wanted: readonly LogExpectation[]): ReadonlySet<string> =>
  new Set(
    wanted
      .flatMap((one) => [messageText(one), ...Object.values(one.fields)])
      .flatMap((text) => scanTemplate(text).parts)
      .flatMap((part) => (part.kind === 'capture' ? [part.name] : [])),
  );

/** All parts that identify the wanted line, as one text. */
const textOf = ({ level, message, fields }: LogExpectation): string =>
  JSON.stringify([level, 'exact' in message, messageText({ message }), fields]);

/** The line that is most similar to the wanted one; undefined if none is similar. The message has the most weight. */
export function nearestLine(
  wanted: LogExpectation,
  lines: readonly LogLine[],
  bindings: Bindings,
): LogLine | undefined {
  const message = fillIn(messageText(wanted), bindings);
  const fields = Object.entries(wanted.fields).map(
    ([name, value]) => [name, fillIn(value, bindings)] as const,
  );
  const likeness = (line: LogLine): number => {
    const messageScore = matchExpectation(wanted.message, line.message, bindings).matched
      ? 1
      : similarity(message, line.message);
    const held = fields.map(([name, value]) => similarity(value, line.fields[name] ?? ''));
    const level = wanted.level === line.level ? 0.1 : 0;
    return messageScore + level + held.reduce((sum, one) => sum + one, 0) / Math.max(1, held.length);
  };
  const scored = lines.map((line) => ({ line, likeness: likeness(line) }));
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (before, one) => (before === undefined || one.likeness > before.likeness ? one : before),
    undefined,
  );
  return best !== undefined && best.likeness > 0.5 ? best.line : undefined;
}

/** Similarity of two texts from 0 to 1: the share of adjacent character pairs that they have in common. */
export function similarity(a: string, b: string): number {
  if (a === b) return 1;
  const pairs = countPairs(a);
  let common = 0;
  for (const [pair, count] of countPairs(b)) common += Math.min(count, pairs.get(pair) ?? 0);
  const all = Math.max(0, a.length - 1) + Math.max(0, b.length - 1);
  return all === 0 ? 0 : (2 * common) / all;
}

function countPairs(text: string): ReadonlyMap<string, number> {
  const pairs = new Map<string, number>();
  for (let index = 0; index < text.length - 1; index++) {
    const pair = text.slice(index, index + 2);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}
