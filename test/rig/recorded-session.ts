import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { CheckName } from '../../lab/judge/verdict.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import { parseJournal } from '../../lab/observe/journal.ts';
import { parsePlan } from '../../lab/plan/parse-plan.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { judge } from './judged.ts';
import { mutantsOf } from './mutants.ts';

/** A run of a session, as its folder has it. */
export interface Recorded {
  readonly run: RunPlan;
  readonly entries: readonly JournalEntry[];
  readonly hostPath: string;
}

/** The slugs of the runs, which are folders. Everything else in a session is a file. */
export const slugsIn = (session: string): readonly string[] =>
  readdirSync(session, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));

export function recordedRuns(session: string): readonly Recorded[] {
  return slugsIn(session).map((slug) => {
    const hostPath = join(session, slug);
    const plan = parsePlan(readFileSync(join(hostPath, 'plan.json'), 'utf8'));
    const journal = parseJournal(readFileSync(join(hostPath, 'journal.jsonl'), 'utf8'));
    const run = plan.ok ? plan.value.runs[0] : undefined;
    if (run === undefined || !journal.ok) throw new Error(`${hostPath} cannot be read`);
    return { run, entries: journal.value, hostPath };
  });
}

/** Those that are no controls: every expectation in them holds. */
export const withoutControls = (runs: readonly Recorded[]): readonly Recorded[] =>
  runs.filter(({ run }) => run.control === undefined);

/** Changes an expectation at a time. `unnoticed` are those that did not fail by their own check; `checks` are all that were tried. */
export function tryMutants(runs: readonly Recorded[]): {
  readonly unnoticed: readonly string[];
  readonly checks: readonly CheckName[];
} {
  const unnoticed: string[] = [];
  const checks = new Set<CheckName>();
  for (const { run, entries } of runs) {
    for (const mutant of mutantsOf(run)) {
      const { outcome, findings } = judge(mutant.run, entries);
      const noticed = findings.some(
        (one) => one.outcome === 'fail' && one.check === mutant.check && one.stepId === mutant.stepId,
      );
      if (outcome !== 'fail' || !noticed) unnoticed.push(`${run.title} ${mutant.stepId}: ${mutant.change}`);
      checks.add(mutant.check);
    }
  }
  return { unnoticed, checks: [...checks].sort() };
}
