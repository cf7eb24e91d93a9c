import { err, ok, type Result } from '../core/lab-error.ts';
import { type Diagnostic, didYouMean } from '../spec/diagnostic.ts';
import type { Scenario } from '../spec/scenario.ts';
import {
  cellsOf,
  type CellOptions,
  type VersionOverrides,
  createSlugs,
  overriddenVersions,
} from './cells.ts';
import type { Plan, RunPlan } from './plan.ts';
import { checkSize } from './checks.ts';
import { planCells } from './plan-cells.ts';
import { type VersionFacts, resolveComponent } from './resolve-component.ts';

export interface PlanOptions {
  readonly facts: VersionFacts;
  /** absolute; files of scenarios, and therefore their `local:` paths, are relative to it */
  readonly cwd: string;
  readonly overrides?: VersionOverrides;
  /** axis → the only values to use, which may be new ones; for scenarios with this axis */
  readonly only?: CellOptions['only'];
}

/** Every cell of every scenario, ready to run. If there are mistakes, all of them are returned before anything runs. */
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

/** Mistakes in versions and axes on the command line, whichever scenario they are for. */
export function checkCommandLine(
  scenarios: readonly Scenario[],
  { facts, cwd, overrides, only }: CellOptions & { facts: VersionFacts; cwd: string },
): readonly Diagnostic[] {
  const versions = overriddenVersions(overrides).flatMap(([component, values]) =>
    values.flatMap((text) => {
      const version = { text, place: { file: COMMAND_LINE, line: 1, column: 1 } };
      const ref = resolveComponent({ component, version, facts, cwd });
      return ref.ok ? [] : [wrongFlag({ flag: `--${component}`, value: text, message: ref.error })];
    }),
  );
  const { kubernetes: [anyKubernetes] = [] } = overrides;
  const hasCluster = scenarios.some(({ cluster }) => cluster !== undefined);
  const withoutCluster =
    anyKubernetes === undefined || hasCluster
      ? []
      : [
          wrongFlag({
            flag: '--kubernetes',
            value: anyKubernetes,
            message: 'no scenario here has a cluster',
          }),
        ];
  const axes = [...new Set(scenarios.flatMap(({ matrix }) => matrix.map(({ axis }) => axis)))];
  const unknown = Object.keys(only).filter((axis) => !axes.includes(axis));
  return [
    ...versions,
    ...withoutCluster,
    ...unknown.map((axis) => {
      const known =
        axes.length === 0
          ? '; none of them has a matrix'
          : `${didYouMean(axis, axes) || ';'} known: ${axes.join(', ')}`;
      return wrongFlag({
        flag: '--set',
        value: axis,
        message: `no scenario here has an axis "${axis}"${known}`,
      });
    }),
  ];
}

const COMMAND_LINE = 'command line';

function wrongFlag({ flag, value, message }: { flag: string; value: string; message: string }): Diagnostic {
  return {
    place: { file: COMMAND_LINE, line: 1, column: flag.length + 2 },
    message,
    source: { text: `${flag} ${value}`, length: value.length },
  };
}
