import { resolve } from 'node:path';

import { judge } from '../judge/judge.ts';
import { worst, type Outcome } from '../judge/verdict.ts';
import { fanOut } from '../report/reporter.ts';
import type { RunFlags, World } from '../assembly/world.ts';
import { readRecorded } from '../assembly/recorded.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
import { createReporters } from './reporters.ts';
import { EXIT } from './exit-codes.ts';

/** `cnilab judge`: the verdict on recorded runs, from their plan and journal alone. */
export async function judgeCommand(
  world: World,
  folders: readonly string[],
  flags: Pick<RunFlags, 'reporter' | 'verbose'>,
): Promise<number> {
  const recorded = folders.flatMap((folder) => readRecorded(resolve(world.cwd, folder)));
  const reporters = fanOut(await createReporters(world, flags));
  const runs = recorded.map(({ run }) => run);
  const outputHostPath = resolve(world.cwd, folders[0] ?? '.');
  reporters.emit({ kind: 'session-started', runs, backend: 'recorded', jobs: 1, outputHostPath });
  const outcomes: Outcome[] = [];
  for (const { run, entries, hostPath } of recorded) {
    const verdict = judge(run, entries, RUNTIMES);
    outcomes.push(verdict.outcome);
    const durationMs = entries.at(-1)?.atMs ?? 0;
    reporters.emit({ kind: 'run-ended', run, verdict, entries, durationMs, outputHostPath: hostPath });
  }
  const outcome = worst(outcomes);
  const durationMs = recorded.reduce((sum, { entries }) => sum + (entries.at(-1)?.atMs ?? 0), 0);
  reporters.emit({ kind: 'session-ended', outcome, durationMs, outputHostPath });
  return EXIT[(await reporters.end()) ? outcome : worst([outcome, 'inconclusive'])];
}
