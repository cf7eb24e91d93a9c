import { unreachable } from '../core/lab-error.ts';
import type { LabEvent, RunEnded } from '../events.ts';
import type { Finding, Outcome } from '../judge/verdict.ts';
import type { NodeUsage } from '../core/node-state.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { RunHead } from '../plan/plan.ts';
import { isFlaky } from './attempts.ts';
import { InOrder } from './collector.ts';
import type { Reporter } from './reporter.ts';

/** The document that `--reporter json` writes. Its runs are in the order of the plan. See docs/journal.md. */
export interface JsonReport {
  readonly formatVersion: 1;
  readonly backend: string;
  readonly outputHostPath: string;
  readonly runs: readonly JsonRun[];
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly interruptedBy?: string;
  readonly notices: readonly string[];
  /** flaky runs passed, and are counted there too */
  readonly totals: Readonly<Record<Outcome | 'notRun' | 'flaky', number>>;
}

export interface JsonRun {
  readonly title: string;
  readonly slug: string;
  readonly scenario: string;
  readonly file: string;
  readonly cell: Readonly<Record<string, string>>;
  readonly control?: RunHead['control'];
  /** null for a run that did not start or did not end */
  readonly outcome: Outcome | null;
  readonly durationMs?: number;
  readonly outputHostPath?: string;
  readonly artifacts?: readonly Omit<Extract<JournalEntry, { kind: 'artifact' }>, 'kind' | 'atMs'>[];
  readonly usage?: NodeUsage;
  readonly findings?: readonly Finding[];
  /** it passed, but not on the first attempt */
  readonly flaky?: true;
  /** in order, if the run was retried; the other fields are of the attempt that decides */
  readonly attempts?: readonly {
    readonly outcome: Outcome;
    readonly durationMs: number;
    readonly outputHostPath: string;
    readonly findings: readonly Finding[];
  }[];
}

type Event<K extends LabEvent['kind']> = Extract<LabEvent, { readonly kind: K }>;

/**
 * For programs: one JSON document with the content of all verdicts. A run is written when it and all runs before it
 * have ended.
 */
export function createJsonReporter({ write }: { readonly write: (text: string) => void }): Reporter {
  const totals = { pass: 0, fail: 0, inconclusive: 0, flaky: 0, notRun: 0 };
  const notices: string[] = [];
  let interruptedBy: string | undefined;
  let over: Event<'session-ended'> | undefined;
  let isOpen = false;
  let written = 0;

  const open = (head: Pick<JsonReport, 'backend' | 'outputHostPath'>): void => {
    isOpen = true;
    const fields = Object.entries({ formatVersion: 1, ...head }).map(([key, value]) => field(key, value));
    write(`{\n${fields.join(',\n')},\n  "runs": [`);
  };
  const runs = new InOrder<JsonRun>((run) => {
    const lines = JSON.stringify(run, null, 2).replaceAll('\n', '\n    ');
    write(`${written === 0 ? '' : ','}\n    ${lines}`);
    written += 1;
    totals[run.outcome ?? 'notRun'] += 1;
  });
  return {
    name: 'json',
    on(event) {
      switch (event.kind) {
        case 'session-started':
          runs.planned(event.runs);
          return open({ backend: event.backend, outputHostPath: event.outputHostPath });
        case 'run-ended':
          if (isFlaky(event)) totals.flaky += 1;
          return runs.ended(event.run, { ...jsonHead(event.run), ...jsonEnded(event) });
        case 'interrupted':
          return void (interruptedBy = event.by);
        case 'notice':
          return void notices.push(event.message);
        case 'session-ended':
          return void (over = event);
        case 'progress':
        case 'run-started':
        case 'observed':
          return;
        default:
          return unreachable(event);
      }
    },
    end() {
      if (!isOpen) open({ backend: '', outputHostPath: '' });
      runs.end((run) => ({ ...jsonHead(run), outcome: null }));
      const fields = Object.entries({
        // the outcome of a session that did not reach its end is unknown, whatever its runs were
        outcome: over?.outcome ?? 'inconclusive',
        durationMs: over?.durationMs ?? 0,
        ...(interruptedBy === undefined ? {} : { interruptedBy }),
        notices,
        totals,
      }).map(([key, value]) => field(key, value));
      write(`${written === 0 ? '' : '\n  '}],\n${fields.join(',\n')}\n}\n`);
    },
  };
}

const field = (key: string, value: unknown): string =>
  `  ${JSON.stringify(key)}: ${JSON.stringify(value, null, 2).replaceAll('\n', '\n  ')}`;

const jsonHead = ({ title, slug, scenario, cell, control }: RunHead) => ({
  title,
  slug,
  scenario: scenario.name,
  file: scenario.place.file,
  cell,
  ...(control === undefined ? {} : { control }),
});

function jsonEnded(ended: RunEnded) {
  const { verdict, durationMs, outputHostPath, entries, attempts } = ended;
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
    ...(isFlaky(ended) ? { flaky: true as const } : {}),
    ...(attempts === undefined
      ? {}
      : { attempts: attempts.map(({ verdict, ...attempt }) => ({ ...attempt, ...verdict })) }),
  };
}
