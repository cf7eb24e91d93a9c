import { BadInput } from '../core/lab-error.ts';
import type { Plan, RunPlan } from './plan.ts';

/** Which runs of a plan are wanted. What is missing narrows nothing. */
export interface Selection {
  /** of titles */
  readonly grep?: RegExp;
  readonly grepInvert?: RegExp;
  /** only these, by `runKey` */
  readonly keys?: ReadonlySet<string>;
  /** only those that this is true for */
  readonly touched?: (run: RunPlan) => boolean;
}

/** The runs of a plan that all of a selection holds for, in the order of the plan. */
export function selectRuns(plan: Plan, { grep, grepInvert, keys, touched }: Selection): Plan {
  const runs = plan.runs.filter(
    (run) =>
      grep?.test(run.title) !== false &&
      grepInvert?.test(run.title) !== true &&
      keys?.has(runKey(run)) !== false &&
      touched?.(run) !== false,
  );
  return { ...plan, runs };
}

/** A pattern of `--grep`: a regular expression, whatever the case of letters. BadInput where it is none. */
export function titlePattern(flag: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'iu');
  } catch (cause) {
    throw new BadInput(`${flag} takes a regular expression`, { cause });
  }
}

/** The axis that `--repeat` adds to the matrix of every scenario. */
const REPEAT = 'repeat';

/** Scenario and cell, the same in every session and for all repeats of a run. */
export const runKey = ({ scenario, cell }: Pick<RunPlan, 'scenario' | 'cell'>): string =>
  JSON.stringify([scenario.name, Object.entries(cell).filter(([axis]) => axis !== REPEAT)]);

/** Each run so many times, one after the other, as one more axis of its matrix. BadInput where a scenario has that axis. */
export function repeatRuns(plan: Plan, times: number): Plan {
  if (times === 1) return plan;
  const taken = plan.runs.find(({ cell }) => REPEAT in cell);
  if (taken !== undefined)
    throw new BadInput(
      `--repeat adds an axis "${REPEAT}" to each matrix, and the one of ${taken.scenario.name} has an axis of that name`,
    );
  const digits = String(times).length;
  const runs = plan.runs.flatMap((run) =>
    Array.from({ length: times }, (_, index): RunPlan => {
      const number = String(index + 1);
      return {
        ...run,
        title: `${run.title} ${REPEAT}=${number}`,
        slug: `${run.slug}.${REPEAT}-${number.padStart(digits, '0')}`,
        cell: { ...run.cell, [REPEAT]: number },
      };
    }),
  );
  return { ...plan, runs };
}

/** A run that did not come out the same each time. */
export interface Unsteady {
  readonly title: string;
  /** outcome → how often */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** Of repeated runs and their outcomes: those whose repeats differ, in the order in which they ran. */
export function unsteadyRuns(
  ended: readonly { readonly run: RunPlan; readonly outcome: string }[],
): readonly Unsteady[] {
  const repeats = new Map<string, { readonly title: string; readonly outcomes: Map<string, number> }>();
  for (const { run, outcome } of ended) {
    if (!(REPEAT in run.cell)) continue;
    const title = run.title.slice(0, run.title.lastIndexOf(` ${REPEAT}=`));
    const { outcomes } = repeats.get(title) ?? { outcomes: new Map<string, number>() };
    repeats.set(title, { title, outcomes: outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1) });
  }
  return [...repeats.values()].filter(({ outcomes }) => outcomes.size > 1);
}
