import type { LogLine } from '../core/logrus.ts';
import type { LogExpectation } from '../spec/scenario.ts';
import { scanTemplate } from '../spec/template.ts';
import { assign, type Assigned, type Attempt } from './assign.ts';
import type { Bindings } from './bindings.ts';
import { matchExact, matchExpectation, type TextMatch } from './text.ts';

/** Whether a line of the runtime's log is the wanted one: its level, its message, and the fields that are named. */
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

/** A line of its own for each wanted one, whatever their order, with every name standing for one value. */
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

/** All of it that says which lines it means. */
const textOf = ({ level, message, fields }: LogExpectation): string =>
  JSON.stringify([level, 'exact' in message, messageText({ message }), fields]);
