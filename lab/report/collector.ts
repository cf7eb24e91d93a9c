import type { LabEvent } from '../events.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Reporter } from './reporter.ts';

type Event<K extends LabEvent['kind']> = Extract<LabEvent, { readonly kind: K }>;

/** What a whole session came to, for reporters that write when all is over. */
export interface Collected {
  readonly started: Event<'session-started'> | undefined;
  readonly runs: readonly { readonly run: RunPlan; readonly ended: Event<'run-ended'> | undefined }[];
  readonly interruptedBy: string | undefined;
  readonly notices: readonly string[];
  /** missing where the session never came to its end */
  readonly over: Event<'session-ended'> | undefined;
}

type Keep = { readonly [K in LabEvent['kind']]: (event: Event<K>) => void };

/** A reporter that keeps what it hears and says it all at the end. */
export function createCollector(name: string, write: (collected: Collected) => void): Reporter {
  const ended = new Map<RunPlan, Event<'run-ended'>>();
  const notices: string[] = [];
  let started: Event<'session-started'> | undefined;
  let over: Event<'session-ended'> | undefined;
  let interruptedBy: string | undefined;

  const keep: Keep = {
    'session-started': (event) => void (started = event),
    progress: () => undefined,
    'run-started': () => undefined,
    observed: () => undefined,
    'run-ended': (event) => void ended.set(event.run, event),
    interrupted: ({ by }) => void (interruptedBy = by),
    notice: ({ message }) => void notices.push(message),
    'session-ended': (event) => void (over = event),
  };

  return {
    name,
    // Each entry takes the event of its own key; TypeScript cannot follow that across the union.
    on: (event) => (keep[event.kind] as (event: LabEvent) => void)(event),
    end: () => {
      const runs = (started?.runs ?? []).map((run) => ({ run, ended: ended.get(run) }));
      write({ started, runs, interruptedBy, notices, over });
    },
  };
}

/** The cells of one scenario's matrix, in the order of the plan. */
export interface ScenarioRuns {
  readonly name: string;
  readonly runs: readonly RunPlan[];
}

/** Runs by the file that they come from. */
export function byScenario(runs: readonly RunPlan[]): readonly ScenarioRuns[] {
  const groups = new Map<string, RunPlan[]>();
  for (const run of runs) {
    const key = `${run.scenario.place.file} ${run.scenario.name}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map((group) => ({ name: group[0]?.scenario.name ?? '', runs: group }));
}
