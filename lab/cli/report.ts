import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';

import { worst, type Outcome } from '../judge/verdict.ts';
import { fanOut, type FanOut } from '../report/reporter.ts';
import { failsAsFlaky, isFlaky } from '../report/attempts.ts';
import type { RunFlags, World } from '../assembly/world.ts';
import { asRun, findRuns, judgeFound, type FoundRun } from '../assembly/recorded.ts';
import { findSessions } from '../assembly/sessions.ts';
import { compareRuns, createSlugs } from '../plan/cells.ts';
import type { RunHead } from '../plan/plan.ts';
import type { SessionRecord } from '../plan/session-record.ts';
import { doubtsOnNothing, wholeOf, type FoundParts } from '../plan/whole.ts';
import { recordMerged } from '../record.ts';
import { BadInput } from '../core/lab-error.ts';
import { pointLatestAt, sessionFolder } from './output-folder.ts';
import { createReporters } from './reporters.ts';
import { EXIT } from './exit-codes.ts';

export type ReportFlags = Pick<RunFlags, 'reporter' | 'verbose' | 'failOnFlaky'>;

export interface MergeFlags extends ReportFlags {
  /** where the merged session is recorded; it is not without it */
  readonly output?: string;
}

/**
 * `cnilab report` and `cnilab judge`: the verdict on recorded runs, from their plans and journals alone, with any
 * reporters. The runs can come from any number of sessions and machines. Sessions without a single run pass if they had
 * nothing to run.
 */
export async function reportCommand(
  world: World,
  folders: readonly string[],
  flags: ReportFlags,
): Promise<number> {
  const hostPaths = hostPathsOf(world, folders);
  const found = findRuns(hostPaths);
  const doubts = found.length > 0 ? [] : doubtsOnNothing(findSessions(hostPaths));
  return reportFound(world, {
    found: [...found, ...doubts.map((doubt) => asRun(doubt, hostPaths[0] ?? world.cwd))],
    folders,
    flags,
  });
}

/**
 * `cnilab merge`: the same for the shards of one plan, from any machines. If a part of the plan is missing, was
 * interrupted or belongs to another plan, the verdict is inconclusive, and the report says so.
 */
export async function mergeCommand(
  world: World,
  folders: readonly string[],
  { output, ...flags }: MergeFlags,
): Promise<number> {
  const hostPaths = hostPathsOf(world, folders);
  const found = findRuns(hostPaths);
  const runs = found.map(({ hostPath, slug, planSha256 }) => ({
    ...{ hostPath, slug, sessionHostPath: dirname(hostPath) },
    ...(planSha256 === undefined ? {} : { planSha256 }),
  }));
  const parts = findSessions(hostPaths);
  const { doubts, missing } = wholeOf({ ...parts, runs });
  const mergedHostPath = output === undefined ? undefined : recordAsOne(world, { output, found, ...parts });
  const slugOf = createSlugs();
  const withSlug = <T extends { readonly slug: string }>(one: T): T => ({ ...one, slug: slugOf([one.slug]) });
  const all = [...found, ...doubts.map((doubt) => asRun(doubt, hostPaths[0] ?? world.cwd))];
  return reportFound(world, {
    found: all.map((one, at) => ({
      ...{ ...one, head: withSlug(one.head) },
      ...(mergedHostPath === undefined || at >= found.length
        ? {}
        : { hostPath: join(mergedHostPath, folderName(one)) }),
    })),
    missing: missing.map(withSlug),
    folders: mergedHostPath === undefined ? folders : [mergedHostPath],
    flags,
  });
}

/** Records the runs of all shards as one session, in a folder that it returns. BadInput where they are not of one plan. */
function recordAsOne(
  world: World,
  {
    output,
    found,
    sessions,
    lists,
  }: Pick<FoundParts, 'sessions' | 'lists'> & {
    readonly output: string;
    readonly found: readonly FoundRun[];
  },
): string {
  const records = sessions.map((session) => ('record' in session ? session.record : undefined));
  const [first] = records;
  const listed = lists.get(first?.runsSha256 ?? '');
  const isSame = (record: SessionRecord | undefined): record is SessionRecord =>
    record?.runsSha256 === first?.runsSha256 && record?.shard.count === first?.shard.count;
  if (listed === undefined || !records.every(isSame))
    throw new BadInput(
      '--output needs shards of one plan, and these are not, or are damaged; `cnilab merge` without it says more',
    );
  const outputHostPath = sessionFolder(world, { output, sessionId: world.randomId() });
  const runs = found.map((one) => ({ hostPath: one.hostPath, name: folderName(one) }));
  recordMerged(outputHostPath, { sessions: records, listed, runs });
  pointLatestAt(world, outputHostPath);
  return outputHostPath;
}

/** Of a run in a session. Somebody else may have made its record, with a name that is no folder's. */
const folderName = ({ head: { slug } }: FoundRun): string =>
  /^[A-Za-z0-9]/.test(slug) && !slug.startsWith('session') && !/^runs\.|^latest$/.test(slug)
    ? slug
    : `run-${slug}`;

/**
 * What is read of a run is garbage once it is reported. By default V8 lets it grow to several times of what is in use before it
 * is collected, which is hundreds of MiB here. This costs a tenth more of processor time.
 */
const keepHeapSmall = (): void => setFlagsFromString('--heap-growing-percent=30');

/** Resolves links, so that a folder and a link to it count as one. */
const hostPathsOf = (world: World, folders: readonly string[]): readonly string[] => [
  ...new Set(
    folders.map((folder) => {
      const hostPath = resolve(world.cwd, folder);
      return existsSync(hostPath) ? realpathSync(hostPath) : hostPath;
    }),
  ),
];

async function reportFound(
  world: World,
  {
    found,
    missing = [],
    folders,
    flags,
  }: {
    readonly found: readonly FoundRun[];
    readonly missing?: readonly RunHead[];
    readonly folders: readonly string[];
    readonly flags: ReportFlags;
  },
): Promise<number> {
  const reporters = fanOut(await createReporters(world, flags));
  const outcome = await reportRuns(found, {
    reporters,
    missing,
    failOnFlaky: flags.failOnFlaky === true,
    outputHostPath: resolve(world.cwd, folders[0] ?? '.'),
  });
  return EXIT[(await reporters.end()) ? outcome : worst([outcome, 'inconclusive'])];
}

const NOTHING_TO_RUN = 'no run is recorded here, because there was nothing to run';

/**
 * Passes recorded runs to reporters as a session, and returns its verdict. Only one run at a time is in memory: it is
 * read, judged, passed on and dropped. So there can be any number of runs.
 */
export async function reportRuns(
  found: readonly FoundRun[],
  {
    reporters,
    outputHostPath,
    missing = [],
    failOnFlaky = false,
  }: {
    readonly reporters: FanOut;
    readonly outputHostPath: string;
    /** runs of the plan that were not found */
    readonly missing?: readonly RunHead[];
    /** a run that passed only after a retry makes the session fail */
    readonly failOnFlaky?: boolean;
  },
): Promise<Outcome> {
  keepHeapSmall();
  const heads = found.map(({ head }) => head);
  const runs = missing.length === 0 ? heads : [...heads, ...missing].sort(compareRuns);
  reporters.emit({ kind: 'session-started', runs, backend: 'recorded', jobs: 1, outputHostPath });
  const outcomes = new Set<Outcome>(missing.length === 0 ? [] : ['inconclusive']);
  let durationMs = 0;
  let flaky = 0;
  for (const one of found) {
    const ended = judgeFound(one);
    outcomes.add(ended.verdict.outcome);
    durationMs += ended.durationMs;
    if (isFlaky(ended)) flaky += 1;
    reporters.emit(ended);
    await setImmediate(); // lets pending output be written
  }
  if (failOnFlaky && flaky > 0) {
    outcomes.add('fail');
    reporters.emit({ kind: 'notice', message: failsAsFlaky(flaky) });
  }
  // without a run, and without a doubt in place of one, there was nothing to run
  if (outcomes.size === 0) reporters.emit({ kind: 'notice', message: NOTHING_TO_RUN });
  const outcome = outcomes.size === 0 ? 'pass' : worst([...outcomes]);
  reporters.emit({ kind: 'session-ended', outcome, durationMs, outputHostPath });
  return outcome;
}
