import type { Attempt, RunEnded } from '../events.ts';
import { worst } from '../judge/verdict.ts';
import { count } from '../core/amounts.ts';

/**
 * The result of several attempts at one run. If one passed, it is that one, because retries end with it. If none
 * passed, it is the last attempt with the worst outcome. If there were several attempts, all of them are included.
 */
export function decideAttempts(attempts: readonly [RunEnded, ...RunEnded[]]): RunEnded {
  const outcomes = attempts.map(({ verdict }) => verdict.outcome);
  const outcome = outcomes.includes('pass') ? 'pass' : worst(outcomes);
  const decisive = attempts.findLast(({ verdict }) => verdict.outcome === outcome) ?? attempts[0];
  return attempts.length === 1 ? decisive : { ...decisive, attempts: attempts.map(attemptOf) };
}

const attemptOf = ({ verdict, durationMs, outputHostPath }: RunEnded): Attempt => ({
  verdict,
  durationMs,
  outputHostPath,
});

interface OfAttempts {
  readonly verdict: Pick<RunEnded['verdict'], 'outcome'>;
  readonly attempts?: RunEnded['attempts'] | undefined;
}

/** Whether a run passed, but not on the first attempt. */
export const isFlaky = ({ verdict, attempts = [] }: OfAttempts): boolean =>
  verdict.outcome === 'pass' && attempts.some((attempt) => attempt.verdict.outcome !== 'pass');

/** Why a session fails although all runs passed. */
export const failsAsFlaky = (flaky: number): string =>
  `the session fails, as ${count(flaky, 'run')} passed only when repeated (--fail-on-flaky)`;

/** A line for each attempt if there was more than one: `attempt 1  fail  ERROR  recorded in FOLDER`. */
export const attemptTexts = ({ attempts = [] }: Pick<OfAttempts, 'attempts'>): readonly string[] =>
  attempts.map(({ verdict, outputHostPath }, index) => {
    const first = verdict.findings.find(({ outcome }) => outcome !== 'pass');
    const why =
      verdict.outcome === 'pass' || first === undefined ? '' : `${first.stepId}: ${first.message}; `;
    return `attempt ${index + 1}  ${verdict.outcome}  ${why}recorded in ${outputHostPath}`;
  });

/** Where an attempt is recorded: the first in the directory of the run, the others in directories below it. */
export const attemptHostPath = (runHostPath: string, number: number): string =>
  number === 1 ? runHostPath : `${runHostPath}/attempt-${number}`;
