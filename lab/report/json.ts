import type { LabEvent } from '../events.ts';
import type { Finding, Outcome } from '../judge/verdict.ts';
import type { NodeUsage } from '../core/node-state.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';
import { createCollector, type Collected } from './collector.ts';
import type { Reporter } from './reporter.ts';

/** What `--reporter json` writes: one document, when all is over. Described in docs/journal.md. */
export interface JsonReport {
  readonly formatVersion: 1;
  readonly outcome: Outcome;
  readonly backend: string;
  readonly durationMs: number;
  readonly outputHostPath: string;
  readonly interruptedBy?: string;
  readonly notices: readonly string[];
  readonly totals: Readonly<Record<Outcome | 'notRun', number>>;
  readonly runs: readonly JsonRun[];
}

export interface JsonRun {
  readonly title: string;
  readonly slug: string;
  readonly scenario: string;
  readonly file: string;
  readonly cell: Readonly<Record<string, string>>;
  readonly control?: RunPlan['control'];
  /** null for a run that never started or never ended */
  readonly outcome: Outcome | null;
  readonly durationMs?: number;
  readonly outputHostPath?: string;
  readonly artifacts?: readonly Omit<Extract<JournalEntry, { kind: 'artifact' }>, 'kind' | 'atMs'>[];
  readonly usage?: NodeUsage;
  readonly findings?: readonly Finding[];
}

type Ended = Extract<LabEvent, { kind: 'run-ended' }>;

/** For programs: one JSON document at the end, with all that the verdicts say. */
export function createJsonReporter({ write }: { readonly write: (text: string) => void }): Reporter {
  return createCollector('json', (collected) => write(`${JSON.stringify(jsonReport(collected), null, 2)}\n`));
}

function jsonReport({ started, runs, interruptedBy, notices, over }: Collected): JsonReport {
  const jsonRuns = runs.map(({ run, ended }) => jsonRun(run, ended));
  const number = (outcome: Outcome | null) => jsonRuns.filter((run) => run.outcome === outcome).length;
  return {
    formatVersion: 1,
    // a session that never came to its end is not known, whatever its runs were
    outcome: over?.outcome ?? 'inconclusive',
    backend: started?.backend ?? '',
    durationMs: over?.durationMs ?? 0,
    outputHostPath: started?.outputHostPath ?? '',
    ...(interruptedBy === undefined ? {} : { interruptedBy }),
    notices,
    totals: {
      pass: number('pass'),
      fail: number('fail'),
      inconclusive: number('inconclusive'),
      notRun: number(null),
    },
    runs: jsonRuns,
  };
}

function jsonRun(run: RunPlan, ended: Ended | undefined): JsonRun {
  return {
    title: run.title,
    slug: run.slug,
    scenario: run.scenario.name,
    file: run.scenario.place.file,
    cell: run.cell,
    ...(run.control === undefined ? {} : { control: run.control }),
    ...(ended === undefined ? { outcome: null } : jsonEnded(ended)),
  };
}

function jsonEnded({ verdict, durationMs, outputHostPath, entries }: Ended) {
  const usage = entries.find((entry) => entry.kind === 'usage')?.usage;
  return {
    outcome: verdict.outcome,
    durationMs,
    outputHostPath,
    artifacts: entries.flatMap((entry) => {
      if (entry.kind !== 'artifact') return [];
      const { name, version, source, key, madeBy, note } = entry;
      return [{ name, version, source, key, madeBy, ...(note === undefined ? {} : { note }) }];
    }),
    ...(usage === undefined ? {} : { usage }),
    findings: verdict.findings,
  };
}
