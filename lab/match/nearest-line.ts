import type { LogLine } from '../core/logrus.ts';
import type { LogExpectation } from '../spec/scenario.ts';
import type { Bindings } from './bindings.ts';
import { messageText } from './log-line.ts';
import { fillIn, matchExpectation } from './text.ts';

/** The line that is most like the wanted one, unless none is like it at all; its message counts most. */
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
    const said = matchExpectation(wanted.message, line.message, bindings).matched
      ? 1
      : similarity(message, line.message);
    const held = fields.map(([name, value]) => similarity(value, line.fields[name] ?? ''));
    const level = wanted.level === line.level ? 0.1 : 0;
    return said + level + held.reduce((sum, one) => sum + one, 0) / Math.max(1, held.length);
  };
  const scored = lines.map((line) => ({ line, likeness: likeness(line) }));
  const best = scored.reduce<(typeof scored)[number] | undefined>(
    (before, one) => (before === undefined || one.likeness > before.likeness ? one : before),
    undefined,
  );
  return best !== undefined && best.likeness > 0.5 ? best.line : undefined;
}

/** How alike two texts are, from 0 to 1: the share of pairs of neighbouring characters that they have in common. */
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
