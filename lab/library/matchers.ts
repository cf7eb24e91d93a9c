import { BadInput, LabError } from '../core/lab-error.ts';
import type { StateKind } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import { shown, pasteable } from '../core/content.ts';
import { errorText } from '../judge/failures.ts';
import { judgeText } from '../judge/check.ts';
import { ranIntoLimit } from '../judge/timed-out.ts';
import type { Finding } from '../judge/verdict.ts';
import type { LeftBehindExpectation } from '../spec/scenario.ts';
import { describe, isPromise, StepFailed } from './check.ts';
import { INPUTS } from './inputs.ts';
import { NOWHERE } from './node-history.ts';
import { callExpectation, textExpectation, type CountedCall, type ExpectedCall } from './plugin-calls.ts';
import { Pod } from './pod.ts';
import { StartedNode } from './started-node.ts';

/** The result of a matcher, for both vitest and jest. */
export interface Answer {
  readonly pass: boolean;
  readonly message: () => string;
}

/**
 * The exact text, with `${web.id}` and `${NAME:id}` for values that vary. In rare cases a part of it, with a reason.
 */
export type ExpectedError = string | { readonly contains: string; readonly why: string };

/** For each kind the number or the exact names. Nothing may be left of kinds that are not listed. */
export type ExpectedLeftBehind = Readonly<Partial<Record<StateKind | 'shared', number | readonly string[]>>>;

/**
 * If the lab itself could not do its part, each matcher throws that error. An unknown result neither passes nor fails,
 * and `.not` does not change that.
 */
export const matchers = {
  /** Accepts a running step (`node.runPod()`), a function that executes one, or the result of a command. */
  async toFailWith(received: unknown, expected: ExpectedError): Promise<Answer> {
    INPUTS.error(expected, 'toFailWith');
    if (!mayFail(received))
      throw new BadInput(
        `toFailWith wants a step under way (not awaited), a function that takes one, or the result of a command; got ${describe(received)}`,
      );
    const end = await endOf(received);
    const text = textExpectation(expected);
    if ('succeeded' in end) {
      const wanted = 'exact' in text ? text.exact : text.contains;
      return answer(false, `succeeded, expected an error${end.succeeded}\n  expected  ${wanted}`);
    }
    const { findings } = judgeText(text, end.errorText, {
      check: 'error',
      stepId: 'now',
      subject: 'error',
      bindings: end.known,
      context: end.context,
    });
    return answerOf(findings[0], `failed, expected not to say\n  ${end.errorText}`);
  },

  /** Accepts a started node. Nothing is on it that was not there at its start. */
  async toLeaveNothingBehind(received: unknown): Promise<Answer> {
    return leftBehind(received, { none: true, place: NOWHERE }, 'toLeaveNothingBehind');
  },

  /** Accepts a started node. Exactly this is left on it, by kind. */
  async toLeaveBehind(received: unknown, kinds: ExpectedLeftBehind): Promise<Answer> {
    INPUTS.leftBehind(kinds, 'toLeaveBehind');
    return leftBehind(received, { none: false, kinds, place: NOWHERE }, 'toLeaveBehind');
  },

  /** Accepts a node with recorded calls, or a pod on one. Such a call was made; with `times`, exactly this often. */
  async toHaveCalledPlugin(received: unknown, expected: string | CountedCall): Promise<Answer> {
    INPUTS.countedCall(expected, 'toHaveCalledPlugin');
    const caller = callerOf(received, 'toHaveCalledPlugin');
    const call = callExpectation(expected);
    const [finding] = await caller.judgeCalls({ calls: [call] });
    if (finding?.outcome !== 'pass' || call.times !== undefined)
      return answerOf(finding, `${finding?.message.replace(/, as expected$/, '') ?? ''}, expected otherwise`);
    const [unwanted] = await caller.judgeCalls({ noCalls: [call] });
    return answer(true, [unwanted?.message, ...(unwanted?.detail ?? [])].join('\n  '));
  },

  /** Accepts the same. Each of these calls started later than the previous one. Other calls may be between them. */
  async toHaveCalledPluginsInOrder(received: unknown, expected: readonly ExpectedCall[]): Promise<Answer> {
    INPUTS.callOrder(expected, 'toHaveCalledPluginsInOrder');
    const caller = callerOf(received, 'toHaveCalledPluginsInOrder');
    const [finding] = await caller.judgeCalls({ callOrder: expected.map(callExpectation) });
    return answerOf(finding, 'the calls are in this order, expected otherwise');
  },
};

function callerOf(received: unknown, matcher: string): Pick<Pod, 'judgeCalls'> {
  if (received instanceof StartedNode || received instanceof Pod) return received;
  throw new BadInput(`${matcher} wants a node that was started, or a pod; got ${describe(received)}`);
}

async function leftBehind(
  received: unknown,
  expected: LeftBehindExpectation,
  matcher: string,
): Promise<Answer> {
  if (!(received instanceof StartedNode))
    throw new BadInput(`${matcher} wants a node that was started; got ${describe(received)}`);
  const finding = await received.judgeLeftBehind(expected);
  return answerOf(finding, `${finding.message.replace(/, as expected$/, '')}, expected otherwise`);
}

const mayFail = (received: unknown): boolean =>
  isPromise(received) ||
  received instanceof StepFailed ||
  typeof received === 'function' ||
  isCommandResult(received);

type End =
  | { readonly succeeded: string }
  | {
      readonly errorText: string;
      readonly known: ReadonlyMap<string, string>;
      readonly context: readonly string[];
    };

async function endOf(received: unknown): Promise<End> {
  try {
    const value: unknown = await (typeof received === 'function' ? (received as () => unknown)() : received);
    return value instanceof StepFailed ? endOfStep(value) : endOfCommand(value);
  } catch (thrown) {
    if (thrown instanceof StepFailed) return endOfStep(thrown);
    throw thrown; // a problem of the lab, or a bug: the system under test did not fail
  }
}

const endOfStep = ({ errorText, known, message }: StepFailed): End => ({
  errorText,
  known,
  context: [message.split('\n')[0] ?? ''],
});

function endOfCommand(value: unknown): End {
  if (!isCommandResult(value)) return { succeeded: '' };
  const command = pasteable(value.argv);
  if (ranIntoLimit(value))
    throw new LabError(
      `nobody knows how this ends: no end within ${Math.round(value.durationMs)} ms: ${command}`,
    );
  if (value.exitCode === 0) return { succeeded: `: ${command}` };
  return {
    errorText: errorText(value),
    known: new Map(),
    context: [`exit ${value.exitCode ?? value.signal}: ${command}`],
  };
}

const isCommandResult = (value: unknown): value is CommandResult =>
  typeof value === 'object' && value !== null && 'argv' in value && 'exitCode' in value && 'stderr' in value;

/** The finding of the judge as the result of a matcher. If it is inconclusive, throws. */
function answerOf(finding: Finding | undefined, whenNot: string): Answer {
  if (finding === undefined || finding.outcome === 'inconclusive')
    throw new LabError(finding?.message ?? 'nothing was judged');
  if (finding.outcome === 'pass') return answer(true, whenNot);
  return answer(false, [finding.message, ...(finding.detail ?? [])].join('\n  '));
}

const answer = (pass: boolean, message: string): Answer => ({ pass, message: () => shown(message) });
