import { err, ok, type Result } from '../core/result.ts';
import type { Diagnostic } from '../spec/diagnostic.ts';
import type { Scenario } from '../spec/scenario.ts';
import { cellsOf, type CellOptions, type VersionOverrides } from './cells.ts';
import { checkCommandLine } from './command-line.ts';
import type { Plan, RunPlan } from './plan.ts';
import { checkSize } from './checks.ts';
import { planCells } from './plan-cells.ts';
import { createSlugs } from './name-cell.ts';
import type { VersionFacts } from './version-facts.ts';

export interface PlanOptions {
  readonly facts: VersionFacts;
  /** absolute; files of scenarios, and through them their `local:` paths, are named from here */
  readonly cwd: string;
  readonly overrides?: VersionOverrides;
  /** axis → the only values wanted, which may be new ones; for the scenarios that have this axis */
  readonly only?: CellOptions['only'];
}

/** Every cell of every scenario, ready to run; or every mistake in any of them, before anything has run. */
export function planScenarios(
  scenarios: readonly Scenario[],
  options: PlanOptions,
): Result<Plan, readonly Diagnostic[]> {
  const { facts, cwd, overrides = {}, only = {} } = options;
  const wrongFlags = checkCommandLine(scenarios, { facts, cwd, overrides, only });
  if (wrongFlags.length > 0) return err(wrongFlags);
  const slug = createSlugs();
  const runs: RunPlan[] = [];
  const mistakes: Diagnostic[] = [];
  for (const scenario of scenarios) {
    const tooMuch = checkSize(scenario, { overrides, only });
    if (tooMuch !== undefined) {
      mistakes.push(tooMuch);
      continue;
    }
    const planned = planCells(scenario, { ...cellsOf(scenario, { overrides, only }), facts, cwd });
    if (!planned.ok) mistakes.push(...planned.error);
    else {
      for (const run of planned.value) {
        const words = Object.entries(run.cell).map(([axis, value]) => `${axis}-${value || 'empty'}`);
        runs.push({ ...run, slug: slug([scenario.name, ...words]) });
      }
    }
  }
  return mistakes.length > 0 ? err(mistakes) : ok({ formatVersion: 3, runs });
}
