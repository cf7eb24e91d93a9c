import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import { parseJournal } from '../observe/journal.ts';
import type { JournalEntry } from '../observe/observation.ts';
import { compareRuns } from '../plan/compare-runs.ts';
import { parsePlan } from '../plan/parse-plan.ts';
import type { RunPlan } from '../plan/plan.ts';

/** A run as it stands on disk: all that a verdict needs. */
export interface Recorded {
  readonly run: RunPlan;
  readonly entries: readonly JournalEntry[];
  readonly hostPath: string;
}

/** The run that is recorded in a folder, or those in the folders in it. BadInput where there is none, or it is damaged. */
export const readRecorded = (hostPath: string): readonly Recorded[] =>
  runFolders(hostPath)
    .map(readRun)
    .sort((a, b) => compareRuns(a.run, b.run));

/** The folder itself, if a run is recorded in it, or those in it. */
function runFolders(hostPath: string): readonly string[] {
  if (existsSync(join(hostPath, 'journal.jsonl'))) return [hostPath];
  const below = existsSync(hostPath) ? readdirSync(hostPath).map((name) => join(hostPath, name)) : [];
  const runs = below.filter((path) => existsSync(join(path, 'journal.jsonl')));
  if (runs.length === 0) throw new BadInput(`no run is recorded in ${hostPath}: it has no journal.jsonl`);
  return runs;
}

function readRun(hostPath: string): Recorded {
  const plan = parsePlan(readFileSync(join(hostPath, 'plan.json'), 'utf8'));
  const journal = parseJournal(readFileSync(join(hostPath, 'journal.jsonl'), 'utf8'));
  if (!plan.ok) throw new BadInput(`${hostPath}/plan.json cannot be read: ${plan.error}`);
  if (!journal.ok) throw new BadInput(`${hostPath}/journal.jsonl cannot be read: ${journal.error}`);
  const run = plan.value.runs[0];
  if (run === undefined) throw new BadInput(`${hostPath}/plan.json holds no run`);
  return { run, entries: journal.value, hostPath };
}
