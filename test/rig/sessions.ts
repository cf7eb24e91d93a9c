import type { LabEvent } from '../../lab/events.ts';
import { judge } from './judged.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import type { Reporter } from '../../lab/report/reporter.ts';
import type { Expectation } from '../../lab/spec/scenario.ts';
import {
  crictlError,
  exactly,
  expecting,
  journalOf,
  planned,
  ran,
  result,
  runPod,
  stopPod,
} from './recorded-run.ts';

/** Runs that end in each possible way, for tests of reporters. */
export interface RecordedCell {
  readonly run: RunPlan;
  readonly entries: readonly JournalEntry[];
}

const A = 'a'.repeat(64);

/** `crictl runp` fails with this message. The file expects that the name web is `reserved`. */
export function cell(version: string, said: string | undefined): RecordedCell {
  const expect: Expectation = expecting({ error: exactly('name "web" is reserved for "${web.id}"') });
  const run = planned({
    title: `reserved containerd=${version}`,
    cell: { containerd: version },
    steps: [[runPod, expect], [stopPod]],
  });
  const runp = ['crictl', 'runp', '/lab/pods/web.json'];
  const outcome = said === undefined ? {} : { exitCode: 1, stderr: crictlError(said) };
  const entries = journalOf(run, {
    steps: [
      {
        seen: [ran('1-run-pod', result(runp, outcome))],
        log: 'time="2026-01-01T10:00:00.125000000Z" level=info msg="one"\ntime="2026-01-01T10:00:00.250000000Z" level=error msg="two"\n',
      },
    ],
  });
  return {
    run,
    entries: entries.map((entry) => (entry.kind === 'artifact' ? { ...entry, version } : entry)),
  };
}

export const passing = (version: string): RecordedCell => cell(version, `name "web" is reserved for "${A}"`);
export const failing = (version: string): RecordedCell => cell(version, `name "wed" is reserved for "${A}"`);

/** A run that breaks off in its second step. */
export function brokenOff(version: string): RecordedCell {
  const { run, entries } = passing(version);
  const until = entries.findIndex((entry) => entry.kind === 'step-started' && entry.stepId === '2-stop-pod');
  const failure: JournalEntry = {
    kind: 'lab-failure',
    during: 'the steps',
    message: 'the agent <went> away',
    atMs: 99,
  };
  const seen = [...entries.slice(0, until + 1), failure];
  return { run, entries: [...seen, { kind: 'run-ended', entries: seen.length + 1, atMs: 100 }] };
}

/** The events of a session of these runs, one after the other. */
export function session(cells: readonly RecordedCell[], more: readonly RunPlan[] = []): readonly LabEvent[] {
  const outputHostPath = '/out/s1';
  const runs = [...cells.map(({ run }) => run), ...more];
  const ended = cells.map(({ run, entries }) => ({ run, entries, verdict: judge(run, entries) }));
  return [
    { kind: 'session-started', runs, backend: 'bare', jobs: 2, outputHostPath },
    ...ended.flatMap(({ run, entries, verdict }): readonly LabEvent[] => {
      const path = `${outputHostPath}/${run.slug}`;
      return [
        { kind: 'run-started', run, outputHostPath: path },
        ...entries.map((entry) => ({ kind: 'observed', run, entry }) as const),
        { kind: 'run-ended', run, verdict, entries, durationMs: 612, outputHostPath: path },
      ];
    }),
    {
      kind: 'session-ended',
      outcome: ended.some(({ verdict }) => verdict.outcome === 'fail') ? 'fail' : 'pass',
      durationMs: 1920,
      outputHostPath,
    },
  ];
}

export async function tell(reporter: Reporter, events: readonly LabEvent[]): Promise<void> {
  for (const event of events) reporter.on(event);
  await reporter.end();
}
