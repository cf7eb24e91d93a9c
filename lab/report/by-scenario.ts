import type { RunPlan } from '../plan/plan.ts';

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
