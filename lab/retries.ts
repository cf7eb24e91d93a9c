import type { LabEvent, RunEnded } from './events.ts';
import { worst, type Outcome } from './judge/verdict.ts';
import type { RunPlan } from './plan/plan.ts';
import { unsteadyRuns } from './plan/select-runs.ts';
import { decideAttempts, failsAsFlaky, isFlaky } from './report/attempts.ts';
import { count } from './core/amounts.ts';

export interface RetryOptions {
  /** maximum number of times that a run that does not pass is repeated */
  readonly retries: number;
  readonly signal: AbortSignal;
  readonly emit: (event: LabEvent) => void;
}

/** One attempt at a run: its number, counted from 1, and the receiver of its events. */
export interface AttemptOptions {
  readonly number: number;
  readonly emit: (event: LabEvent) => void;
}

/**
 * Runs once, and again while the run does not pass and retries are left. `run-ended` is reported once, with all
 * attempts. The other events of each attempt are passed on.
 */
export async function runWithRetries(
  { retries, signal, emit }: RetryOptions,
  attempt: (options: AttemptOptions) => Promise<unknown>,
): Promise<RunEnded> {
  const attempts: RunEnded[] = [];
  for (let number = 1; ; number += 1) {
    await attempt({
      number,
      emit: (event) => (event.kind === 'run-ended' ? void attempts.push(event) : emit(event)),
    });
    const [first, ...rest] = attempts;
    const last = attempts.at(-1);
    if (first === undefined || last === undefined) throw new Error('a run has no end');
    if (last.verdict.outcome === 'pass' || number > retries || signal.aborted) {
      const ended = decideAttempts([first, ...rest]);
      emit(ended);
      return ended;
    }
    const { run, verdict } = last;
    emit({
      kind: 'notice',
      message: `${run.title}: attempt ${number} of at most ${retries + 1}: ${verdict.outcome}; it is repeated`,
    });
  }
}

export interface ResultOptions {
  /** no further run is started after this many runs did not pass */
  readonly maxFailures: number;
  /** a flaky run makes the session fail */
  readonly failOnFlaky: boolean;
}

/** The results of the runs of a session so far, and the result of the session. */
export class Results {
  readonly #options: ResultOptions;
  readonly #ended: { readonly run: RunPlan; readonly outcome: Outcome }[] = [];
  #failures = 0;
  #flaky = 0;

  constructor(options: ResultOptions) {
    this.#options = options;
  }

  add(ended: RunEnded): void {
    const { outcome } = ended.verdict;
    this.#ended.push({ run: ended.run, outcome });
    if (outcome !== 'pass') this.#failures += 1;
    if (isFlaky(ended)) this.#flaky += 1;
  }

  /** Whether so many runs did not pass that no further one is started. */
  get enough(): boolean {
    return this.#failures >= this.#options.maxFailures;
  }

  get outcome(): Outcome {
    const fails = this.#options.failOnFlaky && this.#flaky > 0;
    return worst([...this.#ended.map(({ outcome }) => outcome), ...(fails ? (['fail'] as const) : [])]);
  }

  /** Notices about what the verdicts of single runs do not show. `left` is the number of runs that were not started. */
  notices(left: number): readonly string[] {
    const { failOnFlaky } = this.#options;
    return [
      ...unsteadyRuns(this.#ended).map(({ title, outcomes }) => {
        const often = [...outcomes].map(([outcome, times]) => `${times} ${outcome}`).join(', ');
        return `${title} did not come out the same each time: ${often}`;
      }),
      ...(failOnFlaky && this.#flaky > 0 ? [failsAsFlaky(this.#flaky)] : []),
      ...(this.enough && left > 0
        ? [`stopped after ${count(this.#failures, 'run')} that did not pass; ${left} not run`]
        : []),
    ];
  }
}
