import { bytesOfText } from './core/byte-text.ts';
import { bytesOf } from './core/content.ts';
import { formatJournalEntry } from './observe/journal.ts';
import type { RunFolder } from './host/run-folder.ts';
import type { Verdict } from './judge/verdict.ts';
import { containerdConfig } from './nodes/containerd-config.ts';
import type { JournalEntry } from './observe/observation.ts';
import type { Plan, RunPlan } from './plan/plan.ts';

/** What a run writes down, complete enough to be judged again by someone else: docs/journal.md. */
export interface RunRecord {
  observed(entry: JournalEntry): void;
  judged(verdict: Verdict): void;
}

export function recordRun(run: RunPlan, folder: RunFolder): RunRecord {
  const plan: Plan = { formatVersion: 2, runs: [run] };
  folder.write('plan.json', json(plan));
  folder.write(
    'config/config.toml',
    containerdConfig(run.node.containerd.version, run.node.containerdConfig),
  );
  for (const file of run.node.cniConfig) folder.write(`config/net.d/${file.name}`, bytesOf(file));
  return {
    observed(entry) {
      folder.append('journal.jsonl', formatJournalEntry(entry));
      if (entry.kind === 'containerd-log') folder.append('containerd.log', bytesOfText(entry.text));
    },
    judged(verdict) {
      folder.write('verdict.json', json(verdict));
    },
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
