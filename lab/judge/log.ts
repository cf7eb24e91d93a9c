import { quoted } from '../core/content.ts';
import type { LogLine } from '../core/logrus.ts';
import type { Bindings } from '../match/bindings.ts';
import { matchLine, matchLines, messageText, nearestLine } from '../match/log-line.ts';
import { fillIn, matchExact, matchExpectation } from '../match/text.ts';
import type { Runtime } from '../core/runtime.ts';
import type { LogExpectation } from '../spec/scenario.ts';
import { positionOf, showDifference } from './difference.ts';
import type { Judged, Subject } from './check.ts';
import type { Finding } from './verdict.ts';

/**
 * Checks lines that the runtime must have written, with a different line for each. At the end of a run, the complete
 * log is checked.
 */
export function judgeLog({ expect, stepId, bindings, log, facts: { runtime } }: Subject): Judged {
  if (expect.log.length === 0) return { findings: [], bindings };
  const findingFor = (wanted: LogExpectation) => ({ check: 'log', stepId, place: wanted.place }) as const;
  if (log === undefined) {
    const findings = expect.log.map((wanted): Finding => ({
      ...findingFor(wanted),
      outcome: 'inconclusive',
      message: notCollected(runtime),
    }));
    return { findings, bindings };
  }
  const lines = runtime.parseLog(log);
  const assigned = matchLines(expect.log, lines, bindings);
  const findings = expect.log.map((wanted, index): Finding => {
    const item = assigned.items[index];
    if (typeof item === 'number') {
      return { ...findingFor(wanted), outcome: 'pass', message: 'the line is there, as expected' };
    }
    if (item === 'undecided') return { ...findingFor(wanted), outcome: 'inconclusive', message: UNDECIDED };
    return {
      ...findingFor(wanted),
      outcome: 'fail',
      ...missing(wanted, { runtime, lines, assigned, log: expect.log }),
    };
  });
  return { findings, bindings: assigned.bindings };
}

/** Checks lines that the runtime must not have written. Names that they would bind are not kept. */
export function judgeNoLog(subject: Subject): readonly Finding[] {
  const { stepId, bindings, log } = subject;
  const { runtime } = subject.facts;
  return subject.expect.noLog.map((unwanted): Finding => {
    const finding = { check: 'no-log', stepId, place: unwanted.place } as const;
    if (log === undefined) return { ...finding, outcome: 'inconclusive', message: notCollected(runtime) };
    const expected = describe(unwanted, bindings);
    const answers = runtime.parseLog(log).map((line) => ({
      line,
      answer: matchLine(unwanted, line, bindings),
    }));
    const found = answers.flatMap(({ line, answer }) => (typeof answer === 'object' ? [line] : []));
    const first = found[0];
    if (first === undefined) {
      return answers.some(({ answer }) => answer === 'undecided')
        ? { ...finding, outcome: 'inconclusive', message: UNDECIDED }
        : { ...finding, outcome: 'pass', message: 'no such line, as expected' };
    }
    const count = found.length === 1 ? 'a line is' : `${found.length} lines are`;
    const message = `${count} in the log of ${runtime.name} that must not be there`;
    return {
      ...finding,
      outcome: 'fail',
      message,
      expected: `none of ${expected}`,
      actual: first.raw,
      detail: found.map(({ raw }) => raw),
    };
  });
}

const notCollected = ({ name }: Runtime): string =>
  `the log of ${name} is not known: none of it was collected`;
const UNDECIDED =
  'whether the line is there is not known: there are too many ways to fill in the names of the expectation';

interface Lines {
  readonly runtime: Runtime;
  readonly lines: readonly LogLine[];
  readonly assigned: ReturnType<typeof matchLines>;
  readonly log: readonly LogExpectation[];
}

/** Why there is no line for this expectation: no line matches, or the matching lines belong to other expectations. */
function missing(
  wanted: LogExpectation,
  { runtime, lines, assigned, log }: Lines,
): Pick<Finding, 'message' | 'expected' | 'actual' | 'detail'> {
  const { bindings, items } = assigned;
  const expected = describe(wanted, bindings);
  const fitting = lines.filter((line) => typeof matchLine(wanted, line, bindings) === 'object');
  const taken = items.filter((item) => typeof item === 'number' && fitting.includes(lines[item] as LogLine));
  if (fitting.length > 0 && taken.length === fitting.length) {
    const has = fitting.length === 1 ? '1 such line' : `${fitting.length} such lines`;
    return {
      message: `the log of ${runtime.name} has ${has}, and more are expected: ${expected}`,
      expected: `${log.filter((one) => describe(one, bindings) === expected).length} of ${expected}`,
      actual: String(fitting.length),
      detail: fitting.map(({ raw }) => raw),
    };
  }
  const nearest = nearestLine(wanted, lines, bindings);
  return {
    message: `no such line in the log of ${runtime.name}, expected ${expected}`,
    expected,
    ...(nearest === undefined ? {} : describeNearest(wanted, nearest, bindings)),
  };
}

/** The first part in which the nearest line differs from the wanted one. */
function describeNearest(
  wanted: LogExpectation,
  line: LogLine,
  known: Bindings,
): Pick<Finding, 'actual' | 'detail'> {
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

function describe(wanted: LogExpectation, bindings: Bindings): string {
  const { level, message, fields } = wanted;
  const text = quoted(fillIn(messageText(wanted), bindings));
  return [
    ...(level === undefined ? [] : [`level=${level}`]),
    'exact' in message ? `message ${text}` : `a message with ${text}`,
    ...Object.entries(fields).map(([name, value]) => `${name}=${quoted(fillIn(value, bindings))}`),
  ].join(' ');
}

const LOG_LINES = 5;

/** The last lines of a part of the runtime log, which are shown with a failure. */
export const lastLines = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line !== '')
    .slice(-LOG_LINES);
