import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { BadInput, type Result } from '../core/lab-error.ts';
import { isFolder } from '../host/machine.ts';
import { parseJournal } from '../observe/journal.ts';
import type { JournalEntry } from '../observe/observation.ts';
import { compareRuns } from '../plan/cells.ts';
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
  if (!isFolder(hostPath)) throw new BadInput(`${hostPath} is not a folder, so no run is recorded in it`);
  if (existsSync(join(hostPath, 'journal.jsonl'))) return [hostPath];
  const below = readdirSync(hostPath).map((name) => join(hostPath, name));
  const runs = below.filter((path) => existsSync(join(path, 'journal.jsonl')));
  if (runs.length === 0) throw new BadInput(`no run is recorded in ${hostPath}: it has no journal.jsonl`);
  return runs;
}

function readRun(hostPath: string): Recorded {
  const plan = readAs(parsePlan, join(hostPath, 'plan.json'));
  const entries = readAs(parseJournal, join(hostPath, 'journal.jsonl'));
  const run = plan.runs[0];
  if (run === undefined) throw new BadInput(`${hostPath}/plan.json holds no run`);
  return { run, entries, hostPath };
}

function readAs<T>(parse: (text: string) => Result<T, string>, file: string): T {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new BadInput(`${file} cannot be read`, { cause });
  }
  const parsed = parse(text);
  if (!parsed.ok) throw new BadInput(`${file} cannot be judged: ${parsed.error}`);
  return parsed.value;
}
