import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { BadInput } from '../core/lab-error.ts';
import { judge } from '../judge/judge.ts';
import { worst, type Outcome } from '../judge/verdict.ts';
import { parseJournal } from '../observe/journal.ts';
import { parsePlan } from '../plan/parse-plan.ts';
import { fanOut } from '../report/fan-out.ts';
import type { RunFlags } from './flags.ts';
import { createReporters } from './reporters.ts';
import { EXIT, type World } from './world.ts';

/** `cnilab judge`: the verdict on recorded runs, from their plan and journal alone. */
export async function judgeCommand(
  world: World,
  folders: readonly string[],
  flags: Pick<RunFlags, 'reporter' | 'verbose'>,
): Promise<number> {
  const recorded = folders.flatMap((folder) => runFolders(resolve(world.cwd, folder))).map(readRun);
  const reporters = fanOut(await createReporters(world, flags));
  const runs = recorded.map(({ run }) => run);
  const outputHostPath = resolve(world.cwd, folders[0] ?? '.');
  reporters.emit({ kind: 'session-started', runs, backend: 'recorded', jobs: 1, outputHostPath });
  const outcomes: Outcome[] = [];
  for (const { run, entries, hostPath } of recorded) {
    const verdict = judge(run, entries);
    outcomes.push(verdict.outcome);
    const durationMs = entries.at(-1)?.atMs ?? 0;
    reporters.emit({ kind: 'run-ended', run, verdict, entries, durationMs, outputHostPath: hostPath });
  }
  const outcome = worst(outcomes);
  const durationMs = recorded.reduce((sum, { entries }) => sum + (entries.at(-1)?.atMs ?? 0), 0);
  reporters.emit({ kind: 'session-ended', outcome, durationMs, outputHostPath });
  return EXIT[(await reporters.end()) ? outcome : worst([outcome, 'inconclusive'])];
}

/** The folder itself, if a run is recorded in it, or those in it. */
function runFolders(hostPath: string): readonly string[] {
  if (existsSync(join(hostPath, 'journal.jsonl'))) return [hostPath];
  const below = existsSync(hostPath) ? readdirSync(hostPath).map((name) => join(hostPath, name)) : [];
  const runs = below.filter((path) => existsSync(join(path, 'journal.jsonl'))).sort();
  if (runs.length === 0) throw new BadInput(`no run is recorded in ${hostPath}: it has no journal.jsonl`);
  return runs;
}

function readRun(hostPath: string) {
  const plan = parsePlan(readFileSync(join(hostPath, 'plan.json'), 'utf8'));
  const journal = parseJournal(readFileSync(join(hostPath, 'journal.jsonl'), 'utf8'));
  if (!plan.ok) throw new BadInput(`${hostPath}/plan.json cannot be read: ${plan.error}`);
  if (!journal.ok) throw new BadInput(`${hostPath}/journal.jsonl cannot be read: ${journal.error}`);
  const run = plan.value.runs[0];
  if (run === undefined) throw new BadInput(`${hostPath}/plan.json holds no run`);
  return { run, entries: journal.value, hostPath };
}
