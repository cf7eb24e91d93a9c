import type { CommandResult } from '../core/ports.ts';
import { unwrapCrictlError } from './crictl-error.ts';
import type { StepFacts } from './facts.ts';
import { pasteable } from '../core/content.ts';
import type { Finding } from './verdict.ts';

/**
 * Whether a command was stopped before its answer: by the limit of the lab, by the limit of crictl, which then reports
 * it, or by a step that killed it. If a runtime itself gives up, it says what it waited for. That is an answer.
 */
export function ranIntoLimit({ argv, timedOut, killed, stderr }: CommandResult): boolean {
  if (killed === true) return true;
  if (timedOut || argv[0] !== 'crictl') return timedOut;
  const error = unwrapCrictlError(stderr);
  return error?.code === 'DeadlineExceeded' && error.message === 'context deadline exceeded';
}

/** The parts of a step that have no answer. */
export const limitsOf = ({ commands, waits }: Pick<StepFacts, 'commands' | 'waits'>): readonly string[] => [
  ...commands.filter(({ result }) => ranIntoLimit(result)).map(({ result }) => describe(result)),
  ...waits
    .filter(({ timedOut }) => timedOut)
    .map(({ what, waitedMs }) => `waiting for ${what} did not end within ${waitedMs} ms`),
];

/** A step that ran into a limit has neither succeeded nor failed, because the answer is unknown. */
export function judgeTimedOut(facts: StepFacts): readonly Finding[] {
  const { step, commands, waits } = facts;
  const { timedOut: wanted, place } = step.expect;
  const limits = limitsOf(facts);
  const finding = { check: 'timed-out', stepId: step.id, place } as const;
  if (wanted !== true) {
    const [first, ...more] = limits;
    if (first === undefined) {
      const message = 'ended by itself, as expected';
      return wanted === undefined ? [] : [{ ...finding, outcome: 'pass', message }];
    }
    if (
      wanted === undefined &&
      !asksForAnswer(step) &&
      commands.every(({ result }) => result.killed === true)
    )
      return [{ ...finding, outcome: 'pass', message: `${first}; no answer was expected` }];
    const detail = [
      ...more,
      'without an answer it has neither succeeded nor failed: "timed-out: true" expects that, "timeout" gives it longer',
    ];
    const killed = commands.some(({ result }) => result.killed === true);
    const [expected, actual] = ['an answer', killed ? 'none' : `none within ${step.timeoutMs} ms`];
    return [{ ...finding, outcome: 'fail', message: first, expected, actual, detail }];
  }
  const answered = commands.length + waits.length - limits.length;
  if (limits.length > 0 && answered === 0)
    return [{ ...finding, outcome: 'pass', message: 'had no answer, as expected' }];
  if (commands.length + waits.length === 0)
    return [
      { ...finding, outcome: 'inconclusive', message: 'no command was run, expected one without an end' },
    ];
  const ended = commands.filter(({ result }) => !ranIntoLimit(result));
  const [expected, actual] = ['timed-out: true', 'timed-out: false'];
  const message = `ended by itself, expected to run into the limit of ${step.timeoutMs} ms: ${ended
    .map(({ result }) => pasteable(result.argv))
    .join('; ')}`;
  return [{ ...finding, outcome: 'fail', message, expected, actual }];
}

/** Whether the file expects an answer. It need not for a step in the background that no other step waits for. */
const asksForAnswer = ({ expect: { ok, error, output, exitCode } }: StepFacts['step']): boolean =>
  [ok, error, output, exitCode].some((wanted) => wanted !== undefined);

function describe({ argv, durationMs, timedOut, killed }: CommandResult): string {
  if (killed === true) return `command was killed after ${Math.round(durationMs)} ms: ${pasteable(argv)}`;
  const within = `within ${Math.round(durationMs)} ms: ${pasteable(argv)}`;
  return timedOut ? `command did not end ${within}` : `crictl had no answer ${within}`;
}
