import { BadInput } from '../core/lab-error.ts';
import type { Plan, RunPlan } from './plan.ts';

/** Which runs of a plan are selected. A missing field selects all. */
export interface Selection {
  /** of titles */
  readonly grep?: RegExp;
  readonly grepInvert?: RegExp;
  /** only these, by `runKey` */
  readonly keys?: ReadonlySet<string>;
  /** only runs for which this returns true */
  readonly touched?: (run: RunPlan) => boolean;
}

/** The runs of a plan that match all parts of a selection, in the order of the plan. */
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

/** The pattern of `--grep`: a regular expression that ignores case. Throws BadInput if it is invalid. */
export function titlePattern(flag: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'iu');
  } catch (cause) {
    throw new BadInput(`${flag} takes a regular expression`, { cause });
  }
}

/** The axis that `--repeat` adds to the matrix of every scenario. */
const REPEAT = 'repeat';

/** Scenario and cell. The key is the same in every session and for all repeats of a run. */
export const runKey = ({ scenario, cell }: Pick<RunPlan, 'scenario' | 'cell'>): string =>
  JSON.stringify([scenario.name, Object.entries(cell).filter(([axis]) => axis !== REPEAT)]);

/**
 * Repeats each run this many times, one after the other, as an additional axis of its matrix. Throws BadInput if a
 * scenario already has that axis.
 */
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

/** A run whose repeats had different outcomes. */
export interface Unsteady {
  readonly title: string;
  /** outcome → how often */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** From repeated runs and their outcomes: those whose repeats differ, in the order in which they ran. */
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
