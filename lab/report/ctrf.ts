import { shown } from '../core/content.ts';
import { unreachable } from '../core/lab-error.ts';
import type { RunEnded } from '../events.ts';
import type { Outcome } from '../judge/verdict.ts';
import type { RunHead } from '../plan/plan.ts';
import { REPORT_COLUMNS } from './alike.ts';
import { attemptTexts, isFlaky } from './attempts.ts';
import { InOrder, scenarioKey } from './collector.ts';
import { glanceAt, glanceBlocks } from './glance.ts';
import type { Reporter } from './reporter.ts';

export interface CtrfOptions {
  readonly write: (text: string) => void;
  readonly labVersion: string;
  /** milliseconds since 1970; used for a session in which no run started */
  readonly nowMs: () => number;
}

type Status = 'passed' | 'failed' | 'skipped' | 'pending' | 'other';
const STATUS: Readonly<Record<Outcome, Status>> = { pass: 'passed', fail: 'failed', inconclusive: 'other' };

/**
 * The Common Test Report Format (https://ctrf.io): a test for each run, with its steps. An inconclusive run and a run
 * that did not reach its end have the status `other`. A test is written when its run and all runs before it have ended.
 */
export function createCtrfReporter({ write, labVersion, nowMs }: CtrfOptions): Reporter {
  const counts = { passed: 0, failed: 0, skipped: 0, pending: 0, other: 0 };
  const suites = new Set<string>();
  let written = 0;
  let startMs = Infinity;
  let stopMs = -Infinity;
  let durationMs = 0;
  let flaky = 0;

  const begin = (): void => {
    const head = {
      reportFormat: 'CTRF',
      specVersion: '0.0.0',
      generatedBy: 'cnilab',
    };
    const tool = { name: 'cnilab', version: labVersion };
    write(`${JSON.stringify(head).slice(0, -1)},"results":{"tool":${JSON.stringify(tool)},"tests":[`);
  };
  let isBegun = false;
  const tests = new InOrder<Test>((test) => {
    if (!isBegun) begin();
    isBegun = true;
    counts[test.status] += 1;
    if (test.flaky === true) flaky += 1;
    startMs = Math.min(startMs, test.start ?? Infinity);
    stopMs = Math.max(stopMs, test.stop ?? -Infinity);
    write(`${written === 0 ? '' : ','}\n${JSON.stringify(test)}`);
    written += 1;
  });
  return {
    name: 'ctrf',
    on(event) {
      switch (event.kind) {
        case 'session-started':
          for (const run of event.runs) suites.add(scenarioKey(run));
          return tests.planned(event.runs);
        case 'run-ended':
          suites.add(scenarioKey(event.run));
          return tests.ended(event.run, testOf(event));
        case 'session-ended':
          return void (durationMs = event.durationMs);
        case 'progress':
        case 'run-started':
        case 'observed':
        case 'notice':
        case 'interrupted':
          return;
        default:
          return unreachable(event);
      }
    },
    end() {
      tests.end((run) => ({
        ...headTest(run),
        status: 'other',
        rawStatus: 'not run',
        duration: 0,
        message: 'the run was not started or did not end',
      }));
      if (!isBegun) begin();
      const [start, stop] = startMs > stopMs ? [nowMs(), nowMs()] : [startMs, stopMs];
      const summary = {
        tests: written,
        ...counts,
        flaky,
        suites: suites.size,
        start: Math.round(start),
        stop: Math.round(stop),
        duration: Math.round(durationMs),
      };
      write(`\n],"summary":${JSON.stringify(summary)}}}\n`);
    },
  };
}

interface Test extends ReturnType<typeof headTest> {
  readonly status: Status;
  readonly rawStatus: string;
  /** durations and times are integers, in milliseconds */
  readonly duration: number;
  readonly start?: number;
  readonly stop?: number;
  readonly message?: string;
  readonly trace?: string;
  readonly line?: number;
  readonly steps?: readonly { readonly name: string; readonly status: Status }[];
  /** how often it was repeated, and whether it passed only after a retry */
  readonly retries?: number;
  readonly flaky?: boolean;
  /** the attempts before the last one; the number of the first is 1 */
  readonly retryAttempts?: readonly {
    readonly attempt: number;
    readonly status: Status;
    readonly duration: number;
    readonly message?: string;
    readonly extra: Readonly<Record<string, string>>;
  }[];
  readonly extra?: Readonly<Record<string, string>>;
}

const headTest = ({ title, scenario, cell }: RunHead) => ({
  name: shown(title) || 'run',
  suite: [shown(scenario.name)],
  filePath: scenario.place.file,
  parameters: cell,
});

function testOf(ended: RunEnded): Test {
  const { run, verdict, entries, durationMs, outputHostPath, attempts } = ended;
  const { outcome, findings } = verdict;
  const startMs = startOf(entries);
  const duration = Math.round(durationMs);
  const base = {
    ...headTest(run),
    status: STATUS[outcome],
    rawStatus: outcome,
    duration,
    ...(startMs === undefined ? {} : { start: startMs, stop: startMs + duration }),
    steps: run.steps.map(({ id }) => ({ name: id, status: statusOfStep(id, findings) })),
    ...(attempts === undefined
      ? {}
      : { retries: attempts.length - 1, flaky: isFlaky(ended), retryAttempts: attemptsBefore(attempts) }),
    extra: {
      folder: outputHostPath,
      ...(attempts === undefined ? {} : { attempts: attemptTexts({ attempts }).join('\n') }),
    },
  };
  if (outcome === 'pass') return base;
  const glance = glanceAt({ run, findings, outcome, entries, columns: REPORT_COLUMNS });
  const [first] = glance.problems;
  return {
    ...base,
    ...(first === undefined ? {} : { message: first.headline }),
    ...(first?.at === undefined ? {} : { line: first.at.line }),
    trace: glanceBlocks(glance)
      .flatMap(({ lines }) => lines)
      .join('\n'),
  };
}

const attemptsBefore = (attempts: NonNullable<RunEnded['attempts']>): NonNullable<Test['retryAttempts']> =>
  attempts.slice(0, -1).map(({ verdict, durationMs, outputHostPath: folder }, at) => {
    const first = verdict.findings.find(({ outcome }) => outcome !== 'pass');
    return {
      ...{ attempt: at + 1, status: STATUS[verdict.outcome], duration: Math.round(durationMs) },
      ...(first === undefined ? {} : { message: shown(`${first.stepId}: ${first.message}`) }),
      extra: { folder },
    };
  });

function startOf(entries: RunEnded['entries']): number | undefined {
  const started = entries.find((entry) => entry.kind === 'run-started');
  const ms = started === undefined ? Number.NaN : Date.parse(started.time);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The status of a step. If it was not reached, its result is unknown. */
function statusOfStep(stepId: string, findings: RunEnded['verdict']['findings']): Status {
  const own = findings.filter((finding) => finding.stepId === stepId);
  if (own.some(({ outcome }) => outcome === 'fail')) return 'failed';
  if (own.length === 0 || own.some(({ outcome }) => outcome === 'inconclusive')) return 'other';
  return 'passed';
}
