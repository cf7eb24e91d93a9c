import type { LabEvent, RunEnded } from '../events.ts';
import { headOf, type RunHead } from '../plan/plan.ts';
import { attemptTexts, isFlaky } from './attempts.ts';
import type { Reporter } from './reporter.ts';

type Event<K extends LabEvent['kind']> = Extract<LabEvent, { readonly kind: K }>;

/** A complete session, for reporters that write at the end. `Kept` is what such a reporter keeps of a run. */
export interface Collected<Kept> {
  readonly started: Event<'session-started'> | undefined;
  /** in the order of the session; `kept` is missing if the run did not reach its end */
  readonly runs: readonly { readonly run: RunHead; readonly kept: Kept | undefined }[];
  /**
   * runs that passed, but not on the first attempt, in the order in which they ended; `attempts` has a line for each
   * attempt
   */
  readonly flaky: readonly { readonly run: RunHead; readonly attempts: readonly string[] }[];
  readonly interruptedBy: string | undefined;
  readonly notices: readonly string[];
  /** missing if the session did not reach its end */
  readonly over: Event<'session-ended'> | undefined;
}

export interface CollectorOptions<Kept> {
  readonly name: string;
  /** The data that the report needs from a run. It must not hold the journal: a session may have 100,000 runs. */
  readonly keep: (ended: RunEnded) => Kept;
  readonly write: (collected: Collected<Kept>) => void;
}

type On = { readonly [K in LabEvent['kind']]: (event: Event<K>) => void };

/** A reporter that keeps a little data of each run and writes everything at the end. */
export function createCollector<Kept>({ name, keep, write }: CollectorOptions<Kept>): Reporter {
  const runs = new Map<string, { readonly run: RunHead; readonly kept: Kept | undefined }>();
  const flaky: Collected<Kept>['flaky'][number][] = [];
  const notices: string[] = [];
  let started: Event<'session-started'> | undefined;
  let over: Event<'session-ended'> | undefined;
  let interruptedBy: string | undefined;

  const on: On = {
    'session-started': (event) => {
      started = event;
      for (const run of event.runs) runs.set(run.slug, { run, kept: undefined });
    },
    progress: () => undefined,
    'run-started': () => undefined,
    observed: () => undefined,
    'run-ended': (event) => {
      const { slug } = event.run;
      const run = runs.get(slug)?.run ?? headOf(event.run);
      runs.set(slug, { run, kept: keep(event) });
      if (isFlaky(event)) flaky.push({ run, attempts: attemptTexts(event) });
    },
    interrupted: ({ by }) => void (interruptedBy = by),
    notice: ({ message }) => void notices.push(message),
    'session-ended': (event) => void (over = event),
  };

  return {
    name,
    // Each function takes the event of its own key, but TypeScript cannot follow that across the union.
    on: (event) => (on[event.kind] as (event: LabEvent) => void)(event),
    end: () => write({ started, runs: [...runs.values()], flaky, interruptedBy, notices, over }),
  };
}

/**
 * For reporters that write each run when it has ended. Runs are written in the order of the session, so that the same
 * runs always give the same report. A run waits for the runs before it.
 */
export class InOrder<Kept extends object> {
  readonly #waiting = new Map<string, { readonly run: RunHead; readonly kept: Kept | undefined }>();
  readonly #write: (kept: Kept) => void;

  constructor(write: (kept: Kept) => void) {
    this.#write = write;
  }

  planned(runs: readonly RunHead[]): void {
    for (const run of runs) this.#waiting.set(run.slug, { run, kept: undefined });
  }

  ended({ slug }: Pick<RunHead, 'slug'>, kept: Kept): void {
    const planned = this.#waiting.get(slug);
    if (planned === undefined) return this.#write(kept);
    this.#waiting.set(slug, { ...planned, kept });
    for (const [first, { kept: next }] of this.#waiting) {
      if (next === undefined) return;
      this.#waiting.delete(first);
      this.#write(next);
    }
  }

  /** Writes the runs that are still waiting. A run that did not reach its end is replaced by the result of `notRun`. */
  end(notRun: (run: RunHead) => Kept): void {
    for (const { run, kept } of this.#waiting.values()) this.#write(kept ?? notRun(run));
    this.#waiting.clear();
  }
}

/** The cells of the matrix of one scenario, in the order of the plan. */
export interface ScenarioRuns<Run extends RunHead> {
  readonly name: string;
  readonly runs: readonly Run[];
}

/** Groups runs by the file that they come from. */
export function byScenario<Run extends RunHead>(runs: readonly Run[]): readonly ScenarioRuns<Run>[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = scenarioKey(run);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()].map((group) => ({ name: group[0]?.scenario.name ?? '', runs: group }));
}

/** The same for all cells of one scenario, different for other scenarios. */
export const scenarioKey = ({ scenario }: Pick<RunHead, 'scenario'>): string =>
  `${scenario.place.file} ${scenario.name}`;
