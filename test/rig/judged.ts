import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import { judge as judgeWith, type LookAt } from '../../lab/judge/judge.ts';
import { settlingOf as settlingWith } from '../../lab/judge/settling.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';

/** The judge with the existing runtimes. */
export const judge = (run: RunPlan, entries: readonly JournalEntry[]) => judgeWith(run, entries, RUNTIMES);

export const settlingOf = (run: RunPlan, entries: readonly JournalEntry[], at: Omit<LookAt, 'runtimes'>) =>
  settlingWith(run, entries, { ...at, runtimes: RUNTIMES });
