import { createHash } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bytesOfText, bytesOf } from './core/content.ts';
import { formatJournalEntry } from './observe/journal.ts';
import { LabError } from './core/lab-error.ts';
import { createRunFolder } from './host/machine.ts';
import type { Runtimes } from './core/runtime.ts';
import type { Verdict } from './judge/verdict.ts';
import type { JournalEntry } from './observe/observation.ts';
import { headOf, type Plan, type RunPlan } from './plan/plan.ts';
import { formatListedRun, type SessionRecord } from './plan/session-record.ts';

/** What a run writes down, complete enough to be judged again by someone else: docs/journal.md. Nothing here throws. */
export interface RunRecord {
  observed(entry: JournalEntry): void;
  judged(verdict: Verdict): void;
  /** Aborted, with a LabError, by the first thing that could not be written; nothing more is written then. */
  readonly broken: AbortSignal;
}

/** Makes the folder, which must not be there yet, and writes the plan to it. */
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

/** What a session writes down beside its runs, so that they can be merged with those of other machines: docs/journal.md. */
export interface SessionRecorder {
  /** Removes what was written: the input was bad, and no run began. */
  neverBegan(): void;
  /** Throws LabError where it cannot be written. */
  ended(end: NonNullable<SessionRecord['ended']>): void;
}

/**
 * Makes the folder of a session, which must not be there yet. `plan` is the whole plan, and `shards` has the shard of each of
 * its runs. Throws LabError.
 */
export function recordSession(
  hostPath: string,
  {
    plan,
    shards,
    ...about
  }: Omit<SessionRecord, 'formatVersion' | 'runsSha256' | 'ended'> & {
    readonly plan: Plan;
    readonly shards: readonly number[];
  },
): SessionRecorder {
  const orFail = (write: () => void): void => {
    try {
      write();
    } catch (cause) {
      throw new LabError(`${hostPath} cannot be written`, { cause });
    }
  };
  const runs = plan.runs
    .map((run, at) =>
      formatListedRun({ ...headOf(run), shard: shards[at] ?? 1, planSha256: sha256(planText(run)) }),
    )
    .join('');
  const session: SessionRecord = { formatVersion: 1, ...about, runsSha256: sha256(runs) };
  orFail(() => {
    const folder = createRunFolder(hostPath);
    folder.write('runs.jsonl', runs);
    folder.write('session.json', json(session));
  });
  return {
    neverBegan: () => rmSync(hostPath, { recursive: true, force: true }),
    ended: (ended) =>
      orFail(() => {
        // in one move, so that it is never half of either
        writeFileSync(join(hostPath, '.session.json'), json({ ...session, ended }));
        renameSync(join(hostPath, '.session.json'), join(hostPath, 'session.json'));
      }),
  };
}

/** `plan.json` of a run. */
function planText(run: RunPlan): string {
  const plan: Plan = { formatVersion: 3, runs: [run] };
  return json(plan);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
