import { parseContainerdLog, type LogLine } from '../observe/containerd-log.ts';
import type { LogExpectation } from '../spec/scenario.ts';
import type { Bindings } from './bindings.ts';
import { positionOf, showDifference } from './difference.ts';
import { fillIn, matchExact, matchExpectation } from './match-text.ts';
import { similarity } from './similarity.ts';
import type { Judged, Subject } from './subject.ts';
import type { Finding } from './verdict.ts';

/** Lines that containerd must have written, each on its own; at the end of a run its whole log is meant. */
export function judgeLog(subject: Subject): Judged {
  return subject.expect.log.reduce<Judged>(
    (before, wanted) => {
      const after = judgeLine(wanted, { ...subject, bindings: before.bindings });
      return { findings: [...before.findings, ...after.findings], bindings: after.bindings };
    },
    { findings: [], bindings: subject.bindings },
  );
}

/** Lines that containerd must not have written. What they would bind is of no use to anyone. */
export function judgeNoLog(subject: Subject): readonly Finding[] {
  const { stepId, bindings, log } = subject;
  return subject.expect.noLog.map((unwanted): Finding => {
    const told = { check: 'no-log', stepId, place: unwanted.place } as const;
    if (log === undefined) return { ...told, outcome: 'inconclusive', message: NOT_COLLECTED };
    const expected = describe(unwanted, bindings);
    const found = parseContainerdLog(log).filter((line) => matchLine(unwanted, line, bindings) !== undefined);
    const first = found[0];
    if (first === undefined) return { ...told, outcome: 'pass', message: 'no such line, as expected' };
    const count = found.length === 1 ? 'a line is' : `${found.length} lines are`;
    const message = `${count} in the log of containerd that must not be there`;
    return {
      ...told,
      outcome: 'fail',
      message,
      expected: `none of ${expected}`,
      actual: first.raw,
      detail: found.map(({ raw }) => raw),
    };
  });
}

const NOT_COLLECTED = 'the log of containerd is not known: none of it was collected';

function judgeLine(wanted: LogExpectation, { stepId, bindings, log }: Subject): Judged {
  const told = { check: 'log', stepId, place: wanted.place } as const;
  if (log === undefined) {
    return { findings: [{ ...told, outcome: 'inconclusive', message: NOT_COLLECTED }], bindings };
  }
  const lines = parseContainerdLog(log);
  for (const line of lines) {
    const bound = matchLine(wanted, line, bindings);
    if (bound === undefined) continue;
    return {
      findings: [{ ...told, outcome: 'pass', message: 'the line is there, as expected' }],
      bindings: bound,
    };
  }
  const expected = describe(wanted, bindings);
  const message = `no such line in the log of containerd, expected ${expected}`;
  const nearest = nearestLine(wanted, { lines, bindings });
  const finding: Finding = {
    ...told,
    outcome: 'fail',
    message,
    expected,
    ...(nearest === undefined ? {} : tell(wanted, nearest, bindings)),
  };
  return { findings: [finding], bindings };
}

/** What a line binds if it is the wanted one. */
function matchLine(
  { level, message, fields }: LogExpectation,
  line: LogLine,
  known: Bindings,
): Bindings | undefined {
  if (level !== undefined && line.level !== level) return undefined;
  const match = matchExpectation(message, line.message, known);
  let bindings = match.matched ? match.bindings : undefined;
  for (const [name, template] of Object.entries(fields)) {
    const value = line.fields[name];
    if (bindings === undefined || value === undefined) return undefined;
    const field = matchExact(template, value, bindings);
    bindings = field.matched ? field.bindings : undefined;
  }
  return bindings;
}

/** The line that is most like the wanted one, unless none is like it at all; its message counts most. */
function nearestLine(
  wanted: LogExpectation,
  { lines, bindings }: { lines: readonly LogLine[]; bindings: Bindings },
): LogLine | undefined {
  const message = fillIn(messageOf(wanted.message), bindings);
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

const messageOf = (message: LogExpectation['message']): string =>
  'exact' in message ? message.exact : message.contains;

/** The first thing in which the nearest line is not the wanted one. */
function tell(wanted: LogExpectation, line: LogLine, known: Bindings): Pick<Finding, 'actual' | 'detail'> {
  const nearest = (difference: readonly string[]) => ({
    actual: line.raw,
    detail: ['the nearest line', ...difference],
  });
  const message = matchExpectation(wanted.message, line.message, known);
  if (!message.matched) return nearest(differs('message', { ...message, actual: line.message }));
  if (wanted.level !== undefined && line.level !== wanted.level) {
    return nearest([`level is ${line.level}, expected ${wanted.level}`, line.raw]);
  }
  let { bindings } = message;
  for (const [name, template] of Object.entries(wanted.fields)) {
    const actual = line.fields[name];
    if (actual === undefined) return nearest([`has no field ${name}`, line.raw]);
    const field = matchExact(template, actual, bindings);
    if (!field.matched) return nearest(differs(`field ${name}`, { ...field, actual }));
    ({ bindings } = field);
  }
  return nearest([line.raw]);
}

function differs(
  what: string,
  difference: {
    readonly expected: string;
    readonly expectedAt: number;
    readonly actual: string;
    readonly at: number;
  },
): readonly string[] {
  return [`${what} differs at character ${positionOf(difference)}`, ...showDifference(difference)];
}

function describe({ level, message, fields }: LogExpectation, bindings: Bindings): string {
  const text = JSON.stringify(fillIn(messageOf(message), bindings));
  return [
    ...(level === undefined ? [] : [`level=${level}`]),
    'exact' in message ? `message ${text}` : `a message with ${text}`,
    ...Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(fillIn(value, bindings))}`),
  ].join(' ');
}
