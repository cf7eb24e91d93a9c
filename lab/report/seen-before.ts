import type { RunPlan } from '../plan/plan.ts';
import type { Block } from './run-text.ts';

/** What was found in runs of the same scenario, so that it is told in full once. */
export class SeenBefore {
  readonly #runs = new Map<string, { readonly headline: string; readonly runs: RunPlan[] }>();

  /** Notes that this run has it, and returns the first run that had. */
  note(run: RunPlan, { key, lines }: Block): RunPlan {
    const where = `${scenarioOf(run)}\0${key}`;
    const seen = this.#runs.get(where) ?? { headline: lines[0] ?? '', runs: [] };
    seen.runs.push(run);
    this.#runs.set(where, seen);
    return seen.runs[0] ?? run;
  }

  /** What more than one run of a scenario had, and which ones. */
  repeatedIn(runs: readonly RunPlan[]): readonly {
    readonly headline: string;
    readonly runs: readonly RunPlan[];
  }[] {
    return [...this.#runs.values()].filter(
      ({ runs: seen }) => seen.length > 1 && seen.every((run) => runs.includes(run)),
    );
  }
}

const scenarioOf = ({ scenario }: RunPlan): string => `${scenario.place.file} ${scenario.name}`;
