import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import * as v from 'valibot';

import { check, parseJson } from '../core/json.ts';
import { count } from '../core/amounts.ts';
import { BadInput } from '../core/lab-error.ts';
import type { Plan } from '../plan/plan.ts';
import { nameShard, splitRuns, type Durations, type Shard } from '../plan/shard.ts';
import type { ShardFlags } from './world.ts';

/** The part of a plan for one machine. */
export interface Part {
  /** its own runs, in the order of the complete plan */
  readonly plan: Plan;
  readonly shard: Shard;
  /** the shard of each run of the complete plan */
  readonly shards: readonly number[];
}

/**
 * The part of a plan that `--shard` names; without it, all of the plan. The part is empty where the plan has fewer runs than
 * there are shards, which is no mistake: `--only-changed` may leave few.
 */
export function takeShard(
  whole: Plan,
  { shard = { index: 1, count: 1 }, durations, cwd }: ShardFlags & { readonly cwd: string },
): Part {
  const shards = splitRuns(whole.runs, shard.count, readDurations(durations, cwd));
  const runs = whole.runs.filter((_, at) => shards[at] === shard.index);
  return { plan: { ...whole, runs }, shard, shards };
}

/** Why nothing is run. */
export const emptyShard = ({ shard, shards }: Part): string =>
  `shard ${nameShard(shard)} has nothing to run: the plan has ${count(shards.length, 'run')} in all`;

/** A job in a matrix of GitHub Actions. */
export interface GithubJob {
  /** for `cnilab run --shard` */
  readonly shard: string;
  readonly runs: number;
}

/** The jobs that together run a complete plan: the requested number of shards, or fewer if there are fewer runs. */
export function githubMatrix(
  { runs }: Plan,
  { shards: wanted, durations, cwd }: ShardFlags & { readonly shards: number; readonly cwd: string },
): readonly GithubJob[] {
  const parts = Math.max(1, Math.min(wanted, runs.length)); // a matrix without a job is a mistake for GitHub
  const shards = splitRuns(runs, parts, readDurations(durations, cwd));
  return Array.from({ length: parts }, (_, at) => ({
    shard: nameShard({ index: at + 1, count: parts }),
    runs: shards.filter((index) => index === at + 1).length,
  }));
}

const REPORT = v.looseObject({
  runs: v.array(v.looseObject({ slug: v.string(), durationMs: v.exactOptional(v.number()) })),
});

/** The durations of runs from a report of `--reporter json`. */
function readDurations(file: string | undefined, cwd: string): Durations {
  if (file === undefined) return new Map();
  const hostPath = resolve(cwd, file);
  let text: string;
  try {
    text = readFileSync(hostPath, 'utf8');
  } catch (cause) {
    throw new BadInput(`${hostPath} cannot be read`, { cause });
  }
  const parsed = parseJson(text);
  const report = parsed.ok ? check(REPORT, parsed.value) : parsed;
  if (!report.ok) throw new BadInput(`${hostPath} is no report of --reporter json: ${report.error}`);
  return new Map(
    report.value.runs.flatMap(({ slug, durationMs }) =>
      durationMs === undefined ? [] : [[slug, durationMs] as const],
    ),
  );
}
