import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { worst, type Outcome } from '../judge/verdict.ts';
import { fanOut, type FanOut } from '../report/reporter.ts';
import type { RunFlags, World } from '../assembly/world.ts';
import { findRuns, judgeFound, type FoundRun } from '../assembly/recorded.ts';
import { createReporters } from './reporters.ts';
import { EXIT } from './exit-codes.ts';

/**
 * `cnilab report` and `cnilab judge`: the verdict on recorded runs, from their plans and journals alone, by any reporters. Runs
 * may come from any number of sessions and machines.
 */
export async function reportCommand(
  world: World,
  folders: readonly string[],
  flags: Pick<RunFlags, 'reporter' | 'verbose'>,
): Promise<number> {
  const found = findRuns(folders.map((folder) => resolve(world.cwd, folder)));
  const reporters = fanOut(await createReporters(world, flags));
  const outcome = await reportRuns(found, {
    reporters,
    outputHostPath: resolve(world.cwd, folders[0] ?? '.'),
  });
  return EXIT[(await reporters.end()) ? outcome : worst([outcome, 'inconclusive'])];
}

/**
 * Hands recorded runs to reporters as a session, and returns its verdict. One run at a time is read, judged, handed on and
 * forgotten, so that there may be any number.
 */
export async function reportRuns(
  found: readonly FoundRun[],
  { reporters, outputHostPath }: { readonly reporters: FanOut; readonly outputHostPath: string },
): Promise<Outcome> {
  const runs = found.map(({ head }) => head);
  reporters.emit({ kind: 'session-started', runs, backend: 'recorded', jobs: 1, outputHostPath });
  const outcomes = new Set<Outcome>();
  let durationMs = 0;
  for (const one of found) {
    const ended = judgeFound(one);
    outcomes.add(ended.verdict.outcome);
    durationMs += ended.durationMs;
    reporters.emit(ended);
    await setImmediate(); // what was written can leave meanwhile
  }
  const outcome = worst([...outcomes]);
  reporters.emit({ kind: 'session-ended', outcome, durationMs, outputHostPath });
  return outcome;
}
