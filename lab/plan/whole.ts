import type { RunHead } from './plan.ts';
import type { ListedRun, SessionRecord } from './session-record.ts';
import { nameShard } from './shard.ts';

/** A session that was found: its record, or why that cannot be read. */
export type FoundSession = { readonly hostPath: string } & (
  { readonly record: SessionRecord } | { readonly damage: string }
);

/** A run that was found. */
export interface PresentRun {
  readonly slug: string;
  /** of its plan.json; missing if that cannot be read */
  readonly planSha256?: string;
  readonly hostPath: string;
  /** the folder that contains it, which is that of its session */
  readonly sessionHostPath: string;
}

/** Everything that was found, from one plan or, by mistake, from several. */
export interface FoundParts {
  readonly sessions: readonly FoundSession[];
  readonly runs: readonly PresentRun[];
  /** by `runsSha256` of the sessions: all runs of that plan */
  readonly lists: ReadonlyMap<string, readonly ListedRun[]>;
}

/** A reason why a verdict on the complete plan is not possible. */
export interface Doubt {
  /** what it is about: `shard 2/3`, or the name of a run */
  readonly about: string;
  readonly message: string;
}

export interface Whole {
  /** empty if every run of one plan was found, from shards that reached their end */
  readonly doubts: readonly Doubt[];
  /** runs of the plan that are in none of the folders */
  readonly missing: readonly RunHead[];
}

/** Maximum number of names in a list; reports have all of them. */
const NAMES = 5;

/** Checks whether what was found is exactly one complete plan. */
export function wholeOf({ sessions, runs, lists }: FoundParts): Whole {
  const doubts: Doubt[] = [];
  const missing: RunHead[] = [];
  const good = sessions.flatMap((session) => ('record' in session ? [session] : []));
  for (const session of sessions)
    if ('damage' in session) doubts.push({ about: session.hostPath, message: session.damage });
  if (sessions.length === 0) doubts.push({ about: 'the plan', message: NO_SESSION });

  const plans = groupBy(good, ({ record }) => `${record.runsSha256} of ${record.shard.count}`);
  if (plans.length > 1) {
    const each = plans.map((group) => group.map(describe).join(', '));
    doubts.push({
      about: 'the plan',
      message: `these sessions are of ${plans.length} different plans, or of different splits of one: ${each.join('; and: ')}`,
    });
  }
  for (const group of plans) {
    const [first] = group;
    const listed = first === undefined ? [] : (lists.get(first.record.runsSha256) ?? []);
    const folders = new Set(group.map(({ hostPath }) => hostPath));
    const present = presentOf(runs.filter((run) => !isElsewhere(run, { folders, sessions })));
    const absent = listed.filter((run) => !present.has(run));
    missing.push(...absent);
    for (let index = 1; index <= (first?.record.shard.count ?? 0); index += 1)
      doubts.push(
        ...doubtsOnShard(index, {
          sessions: group.filter(({ record }) => record.shard.index === index),
          count: first?.record.shard.count ?? 0,
          listed: listed.filter(({ shard }) => shard === index),
          absent: absent.filter(({ shard }) => shard === index),
        }),
      );
  }
  const known = new Map<string, ListedRun[]>();
  for (const run of [...lists.values()].flat()) known.set(run.slug, [...(known.get(run.slug) ?? []), run]);
  if (lists.size > 0) for (const run of runs) doubts.push(...doubtsOnRun(run, known.get(run.slug) ?? []));
  return { doubts: joined(doubts), missing };
}

/** One for each thing that they are about. */
const joined = (doubts: readonly Doubt[]): readonly Doubt[] =>
  groupBy(doubts, ({ about }) => about).map((group) => ({
    about: group[0]?.about ?? '',
    message: group.map(({ message }) => message).join('; '),
  }));

/**
 * Why sessions without a single run do not pass. Empty if each of them had nothing to run and came to its end, as an
 * empty shard does.
 */
export function doubtsOnNothing({
  sessions,
  lists,
}: Pick<FoundParts, 'sessions' | 'lists'>): readonly Doubt[] {
  const doubts = sessions.flatMap((session): readonly Doubt[] => {
    if ('damage' in session) return [{ about: session.hostPath, message: session.damage }];
    const { shard, runsSha256 } = session.record;
    const listed = (lists.get(runsSha256) ?? []).filter((run) => run.shard === shard.index);
    return doubtsOnShard(shard.index, { sessions: [session], count: shard.count, listed, absent: listed });
  });
  return joined(doubts);
}

const NO_SESSION =
  'no folder has a session.json, so nobody knows which runs are missing; `cnilab report` reports runs without that question';

/** It is in the folder of a session of another plan. */
const isElsewhere = (
  { sessionHostPath }: PresentRun,
  {
    folders,
    sessions,
  }: { readonly folders: ReadonlySet<string>; readonly sessions: readonly FoundSession[] },
): boolean => !folders.has(sessionHostPath) && sessions.some(({ hostPath }) => hostPath === sessionHostPath);

/** Which runs of a list were found. A run whose plan cannot be read counts as found; it is inconclusive itself. */
function presentOf(runs: readonly PresentRun[]): { has(run: ListedRun): boolean } {
  const keys = new Set(runs.map(({ slug, planSha256 }) => `${slug} ${planSha256 ?? ''}`));
  return { has: ({ slug, planSha256 }) => keys.has(`${slug} ${planSha256}`) || keys.has(`${slug} `) };
}

type GoodSession = Extract<FoundSession, { readonly record: SessionRecord }>;

function doubtsOnShard(
  index: number,
  {
    sessions,
    count,
    listed,
    absent,
  }: {
    readonly sessions: readonly GoodSession[];
    readonly count: number;
    readonly listed: readonly ListedRun[];
    readonly absent: readonly ListedRun[];
  },
): readonly Doubt[] {
  const about = count === 1 ? 'the session' : `shard ${nameShard({ index, count })}`;
  if (sessions.length === 0 && absent.length === 0) return []; // its runs were found one by one, or it has none
  if (sessions.length === 0)
    return [
      { about, message: `${about} is missing: ${absent.length} of its ${listed.length} runs are not there` },
    ];
  const ends = sessions.flatMap(({ hostPath, record: { ended } }): readonly Doubt[] => {
    if (ended?.interruptedBy !== undefined)
      return [{ about, message: `${about} was interrupted by ${ended.interruptedBy}: ${hostPath}` }];
    if (ended !== undefined) return [];
    return [{ about, message: `${about} did not come to its end, or is still running: ${hostPath}` }];
  });
  if (absent.length === 0) return ends;
  const message = `${about} lacks ${absent.length} of its ${listed.length} runs: ${namesOf(absent)}`;
  return [...ends, { about, message }];
}

/** Compares what was found under the name of a run with what the plans have under it. */
function doubtsOnRun(
  { slug, planSha256, hostPath }: PresentRun,
  known: readonly ListedRun[],
): readonly Doubt[] {
  if (planSha256 === undefined || known.some((one) => one.planSha256 === planSha256)) return [];
  const message =
    known.length === 0
      ? `${hostPath} is no run of the plan`
      : `${hostPath} is of another plan than the one that the session lists under this name`;
  return [{ about: slug, message }];
}

function namesOf(runs: readonly RunHead[]): string {
  const names = runs.slice(0, NAMES).map(({ slug }) => slug);
  return [...names, ...(runs.length > NAMES ? [`and ${runs.length - NAMES} more`] : [])].join(', ');
}

const describe = ({ hostPath, record }: GoodSession): string =>
  `${hostPath} (shard ${nameShard(record.shard)})`;

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return [...groups.values()];
}
