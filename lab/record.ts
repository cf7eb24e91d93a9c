import { basename } from 'node:path';
import { bytesOfText, bytesOf } from './core/content.ts';
import { formatJournalEntry } from './observe/journal.ts';
import { LabError } from './core/lab-error.ts';
import { createRunFolder } from './host/machine.ts';
import type { Runtimes } from './core/runtime.ts';
import type { Verdict } from './judge/verdict.ts';
import type { JournalEntry } from './observe/observation.ts';
import type { Plan, RunPlan } from './plan/plan.ts';

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
  const plan: Plan = { formatVersion: 3, runs: [run] };
  tryTo(() => {
    folder?.write('plan.json', json(plan));
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

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
