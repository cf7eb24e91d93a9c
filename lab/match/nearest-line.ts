import type { LogLine } from '../observe/containerd-log.ts';
import type { LogExpectation } from '../spec/scenario.ts';
import type { Bindings } from './bindings.ts';
import { messageText } from './log-line.ts';
import { similarity } from './similarity.ts';
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
