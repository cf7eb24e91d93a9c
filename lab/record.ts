import { createHash } from 'node:crypto';
import { constants, cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bytesOfText, bytesOf } from './core/content.ts';
import { formatJournalEntry } from './observe/journal.ts';
import { LabError } from './core/lab-error.ts';
import { createRunFolder } from './host/machine.ts';
import type { Runtimes } from './core/runtime.ts';
import type { Verdict } from './judge/verdict.ts';
import type { JournalEntry } from './observe/observation.ts';
import { headOf, type Plan, type RunPlan } from './plan/plan.ts';
import { formatListedRun, type ListedRun, type SessionRecord } from './plan/session-record.ts';

/** The files of a run, complete enough that someone else can judge it again: docs/journal.md. Nothing here throws. */
export interface RunRecord {
  observed(entry: JournalEntry): void;
  judged(verdict: Verdict): void;
  /** Aborted with a LabError if something cannot be written. After that, nothing more is written. */
  readonly broken: AbortSignal;
}

/** Creates the directory, which must not exist yet, and writes the plan to it. */
export function recordRun(run: RunPlan, hostPath: string, runtimes: Runtimes): RunRecord {
  const controller = new AbortController();
  const tryTo = <T>(write: () => T): T | undefined => {
    if (controller.signal.aborted) return undefined;
    try {
      return write();
    } catch (cause) {
      controller.abort(new LabError(`${hostPath} cannot be written`, { cause }));
      return undefined;
    }
  };
  const folder = tryTo(() => createRunFolder(hostPath));
  tryTo(() => {
    folder?.write('plan.json', planText(run));
    for (const { name, runtime, runtimeConfig, cniConfig } of run.nodes) {
      const own = name === undefined ? 'config' : `config/${name}`;
      for (const file of runtimes[runtime.component].files(runtime.version, runtimeConfig))
        folder?.write(`${own}/${basename(file.nodePath)}`, file.content);
      for (const file of cniConfig) folder?.write(`${own}/net.d/${file.name}`, bytesOf(file));
    }
  });
  return {
    broken: controller.signal,
    observed: (entry) =>
      tryTo(() => {
        folder?.append('journal.jsonl', formatJournalEntry(entry));
        if (entry.kind !== 'runtime-log') return;
        const log = entry.node === undefined ? 'runtime.log' : `runtime.${entry.node}.log`;
        folder?.append(log, bytesOfText(entry.text));
      }),
    judged: (verdict) => tryTo(() => folder?.write('verdict.json', json(verdict))),
  };
}

/**
 * The files of a session besides its runs. With them, it can be merged with sessions of other machines:
 * docs/journal.md.
 */
export interface SessionRecorder {
  /** Removes what was written, because the input was invalid and no run started. */
  neverBegan(): void;
  /** Throws LabError if it cannot be written. */
  ended(end: NonNullable<SessionRecord['ended']>): void;
}

/**
 * Creates the directory of a session, which must not exist yet. `plan` is the complete plan; `shards` has the shard of
 * each of its runs. Throws LabError.
 */
export function recordSession(
  hostPath: string,
  { plan, shards, ...about }: About & { readonly plan: Plan; readonly shards: readonly number[] },
): SessionRecorder {
  const runs = plan.runs.map((run, at): ListedRun => ({
    ...headOf(run),
    shard: shards[at] ?? 1,
    planSha256: sha256(planText(run)),
  }));
  return recordListed(hostPath, { runs, ...about });
}

type About = Omit<SessionRecord, 'formatVersion' | 'runsSha256' | 'ended'>;

/** So many lines are written at once. */
const LINES = 1000;

function recordListed(
  hostPath: string,
  { runs, ...about }: About & { readonly runs: readonly ListedRun[] },
): SessionRecorder {
  const orFail = <T>(write: () => T): T => {
    try {
      return write();
    } catch (cause) {
      throw new LabError(`${hostPath} cannot be written`, { cause });
    }
  };
  const session = orFail((): SessionRecord => {
    const folder = createRunFolder(hostPath);
    const hash = createHash('sha256');
    folder.write('runs.jsonl', '');
    for (let at = 0; at < runs.length; at += LINES) {
      const lines = runs
        .slice(at, at + LINES)
        .map(formatListedRun)
        .join('');
      hash.update(lines);
      folder.append('runs.jsonl', lines);
    }
    const written: SessionRecord = { formatVersion: 1, ...about, runsSha256: hash.digest('hex') };
    folder.write('session.json', json(written));
    return written;
  });
  return {
    neverBegan: () => rmSync(hostPath, { recursive: true, force: true }),
    ended: (ended) =>
      orFail(() => {
        // atomically, so that the file is never incomplete
        writeFileSync(join(hostPath, '.session.json'), json({ ...session, ended }));
        renameSync(join(hostPath, '.session.json'), join(hostPath, 'session.json'));
      }),
  };
}

/** What is merged: shards of one plan. */
export interface MergedParts {
  /** one at least */
  readonly sessions: readonly SessionRecord[];
  /** all runs of the plan, with those that are missing */
  readonly listed: readonly ListedRun[];
  /** those that were found, each with the name of its folder in the new session */
  readonly runs: readonly { readonly hostPath: string; readonly name: string }[];
}

/**
 * Makes the folder of a session that has the runs of all these shards: copies of their records. It has an end where each of them
 * has one, and lists runs that are missing. Throws LabError.
 */
export function recordMerged(hostPath: string, { sessions, listed, runs }: MergedParts): void {
  const all = (of: (session: SessionRecord) => string) => [...new Set(sessions.map(of))].sort();
  const facts = Object.entries(sessions[0]?.host ?? {}).filter(([name, value]) =>
    sessions.every(({ host }) => host[name] === value),
  );
  const session = recordListed(hostPath, {
    labVersion: all(({ labVersion }) => labVersion).join(', '),
    backend: all(({ backend }) => backend).join(', '),
    host: Object.fromEntries(facts),
    started: all(({ started }) => started)[0] ?? '',
    shard: { index: 1, count: 1 },
    runs: listed.map((run) => ({ ...run, shard: 1 })),
  });
  for (const run of runs) {
    try {
      cpSync(run.hostPath, join(hostPath, run.name), {
        ...{ recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE },
      });
    } catch (cause) {
      throw new LabError(`${run.hostPath} cannot be copied to ${hostPath}`, { cause });
    }
  }
  const ends = sessions.flatMap(({ ended }) => ended ?? []);
  if (ends.length < sessions.length) return;
  const time =
    ends
      .map((end) => end.time)
      .sort()
      .at(-1) ?? '';
  const interruptedBy = ends.find((end) => end.interruptedBy !== undefined)?.interruptedBy;
  session.ended({ time, ...(interruptedBy === undefined ? {} : { interruptedBy }) });
}

/** `plan.json` of a run. */
function planText(run: RunPlan): string {
  const plan: Plan = { formatVersion: 3, runs: [run] };
  return json(plan);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
