import { createHash } from 'node:crypto';

import { pasteable, shown } from '../../core/content.ts';
import type { Runtimes } from '../../core/runtime.ts';
import type { LabEvent, RunEnded } from '../../events.ts';
import { isFlaky } from '../attempts.ts';
import { headOf, type RunHead } from '../../plan/plan.ts';
import { scenarioKey } from '../collector.ts';
import { Problems } from '../alike.ts';
import { nameRuntime } from '../matrix-table.ts';
import type { Reporter } from '../reporter.ts';
import { count, formatDuration } from '../../core/amounts.ts';
import { createBlocks } from './blocks.ts';
import type { ReportIndex, RowOutcome, RunRow, ScenarioRow } from './client/data.ts';
import { detailOf, safe } from './detail.ts';

/** The program and the style of the page: client/, bundled by scripts/bundle.mjs. */
export interface PageFiles {
  readonly script: string;
  readonly style: string;
}

export interface HtmlOptions {
  readonly write: (text: string) => void;
  readonly page: PageFiles;
  readonly runtimes: Runtimes;
  readonly labVersion: string;
  readonly room?: Room;
}

/** How large the page may become, in characters. docs/scale.md has figures of a browser with a full one. */
export interface Room {
  /** up to this size, every run has its details */
  readonly forAll: number;
  /** up to this size, runs that did not pass still have theirs */
  readonly forNotPassed: number;
}

const MEBI = 2 ** 20;
/** Details of some 47,000 runs whose texts differ. */
const ROOM: Room = { forAll: 128 * MEBI, forNotPassed: 192 * MEBI };

/**
 * A page for people, in one file that needs no network. The details of each run are written when it ends, and only a
 * row of the index is kept, so that there can be many runs. When the page is as large as a browser can use, further runs
 * have a row only, and the page says so.
 */
export function createHtmlReporter({
  write,
  page,
  runtimes,
  labVersion,
  room = ROOM,
}: HtmlOptions): Reporter {
  const index = createIndex();
  const blocks = createBlocks(write);
  const notices: string[] = [];
  let time = '';
  let folder = '';
  let over: Extract<LabEvent, { readonly kind: 'session-ended' }> | undefined;

  let flaky = 0;
  const leftOut = { passed: 0, notPassed: 0 };

  const ended = (event: RunEnded): void => {
    if (isFlaky(event)) flaky += 1;
    const { detail, behaviour } = detailOf(event, { runtimes });
    time ||= detail.time;
    const isPassed = event.verdict.outcome === 'pass' && !isFlaky(event);
    if (blocks.size() < (isPassed ? room.forAll : room.forNotPassed))
      return index.ended(event, { behaviour, at: blocks.add(detail) });
    leftOut[isPassed ? 'passed' : 'notPassed'] += 1;
    index.ended(event, { behaviour });
  };

  write(headOfPage(page));
  return {
    name: 'html',
    on(event) {
      if (event.kind === 'session-started') {
        folder = event.outputHostPath;
        for (const run of event.runs) index.planned(run);
      }
      if (event.kind === 'run-ended') ended(event);
      if (event.kind === 'interrupted') notices.push(`interrupted by ${event.by}`);
      if (event.kind === 'notice') notices.push(event.message);
      if (event.kind === 'session-ended') over = event;
    },
    end() {
      const { rows, counts, ...rest } = index.result();
      const outcome = over?.outcome ?? 'inconclusive';
      const written: ReportIndex = {
        formatVersion: 1,
        outcome,
        labVersion,
        time,
        durationMs: over?.durationMs ?? 0,
        folder: shown(folder),
        notices: [
          ...leftOutText(leftOut),
          ...(flaky === 0 ? [] : [`${count(flaky, 'run')} passed only when repeated`]),
          ...notices,
        ].map(safe),
        ...rest,
      };
      blocks.end(written, rows);
      write(endOfPage(page, { ...written, counts }));
    },
  };
}

function leftOutText({
  passed,
  notPassed,
}: {
  readonly passed: number;
  readonly notPassed: number;
}): readonly string[] {
  if (passed + notPassed === 0) return [];
  const which = notPassed === 0 ? 'All of these runs passed.' : `${notPassed} of these runs did not pass.`;
  return [
    `To keep this page usable in a browser, it does not have the details of ${count(passed + notPassed, 'run')}. ${which} A report of fewer folders has them: cnilab report FOLDER… --reporter html=FILE`,
  ];
}

interface KeptRow {
  readonly run: RunHead;
  readonly row: Omit<RunRow, 'version' | 'detailsBy'>;
  /** where a run is recorded whose details are left out */
  readonly outputHostPath?: string;
}

/** The data that the report keeps of all runs. */
function createIndex() {
  const scenarios = new Map<string, { readonly at: number; readonly row: ScenarioRow }>();
  const versions = new Set<string>();
  const rows = new Map<string, KeptRow>();
  const problems = new Problems();

  const scenarioOf = (run: RunHead): number => {
    const key = scenarioKey(run);
    const known = scenarios.get(key);
    if (known !== undefined) return known.at;
    const { name, summary } = run.scenario;
    const row = { name: shown(name), summary: safe(summary), isControl: run.control !== undefined };
    scenarios.set(key, { at: scenarios.size, row });
    return scenarios.size - 1;
  };
  const note = (
    run: RunHead,
    more: Pick<RunRow, 'outcome' | 'durationMs' | 'behaviour'> & Partial<RunRow>,
    recorded: Pick<KeptRow, 'outputHostPath'> = {},
  ): void => {
    versions.add(columnOf(run));
    const { slug } = run;
    // a record from elsewhere can have any name
    const row = {
      slug: shown(slug),
      title: safe(run.title),
      scenario: scenarioOf(run),
      rest: restOf(run),
      ...more,
    };
    rows.set(slug, { run, row, ...recorded });
  };

  function* rowsOf(columns: readonly string[]): Generator<RunRow> {
    const places = new Map(columns.map((column, at) => [column, at]));
    for (const { run, row, outputHostPath } of rows.values())
      yield {
        ...row,
        version: places.get(columnOf(run)) ?? -1,
        ...(outputHostPath === undefined ? {} : { detailsBy: reportCommand(outputHostPath) }),
      };
  }

  return {
    planned: (run: RunHead) => note(run, { outcome: 'not run', durationMs: 0, behaviour: '' }),
    ended(
      event: RunEnded,
      more: { readonly behaviour: string; readonly at?: readonly [number, number] },
    ): void {
      const { run, verdict, durationMs, outputHostPath } = event;
      problems.add(event);
      const head = rows.get(run.slug)?.run ?? headOf(run);
      const outcome = isFlaky(event) ? 'flaky' : verdict.outcome;
      note(
        head,
        { outcome, durationMs: Math.round(durationMs), ...more },
        more.at === undefined ? { outputHostPath } : {},
      );
    },
    result() {
      const counts: Record<RowOutcome, number> = {
        pass: 0,
        flaky: 0,
        fail: 0,
        inconclusive: 0,
        'not run': 0,
      };
      for (const { row } of rows.values()) counts[row.outcome] += 1;
      const columns = [...versions].sort(compareColumns);
      const slugs = [...rows.keys()];
      const places = new Map(slugs.map((slug, at) => [slug, at]));
      return {
        scenarios: [...scenarios.values()].map(({ row }) => row),
        versions: columns,
        rows: rowsOf(columns),
        counts,
        attention: problems.ranked().map(({ lines: [headline = '', ...lines], outcome, runs }) => ({
          scenario: runs[0] === undefined ? 0 : scenarioOf(runs[0]),
          outcome,
          headline,
          lines,
          runs: runs.map(({ slug }) => places.get(slug) ?? 0),
        })),
      };
    },
  };
}

const reportCommand = (outputHostPath: string): string =>
  safe(pasteable(['cnilab', 'report', outputHostPath, '--reporter', 'html=run.html']));

/** The version of the runtime, in the form of the matrix if it is an axis: `1.6.3`, `debian:1.6.20`, `crio 1.34.0`. */
function columnOf({ cell, nodes }: RunHead): string {
  const runtime = nodes[0]?.runtime;
  return shown(nameRuntime(runtime, cell[runtime?.component ?? ''] ?? runtime?.version ?? 'unknown'));
}

/** The other axes. */
const restOf = ({ cell, nodes }: RunHead): string =>
  Object.entries(cell)
    .filter(([axis]) => axis !== nodes[0]?.runtime.component)
    .map(([axis, value]) => safe(`${axis}=${value}`))
    .join(' ');

/** `debian:1.6.20` comes after `1.6.4`: ordered by version first, then by source. */
function compareColumns(a: string, b: string): number {
  const version = (text: string) => text.slice(text.indexOf(':') + 1);
  return version(a).localeCompare(version(b), 'en', { numeric: true }) || a.localeCompare(b, 'en');
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * Nothing is loaded, and only the program of the page runs: https://www.w3.org/TR/CSP3/. The output of runs is in
 * compressed blocks, and the page turns it into text nodes.
 */
function headOfPage({ script, style }: PageFiles): string {
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cnilab report</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<div id="app"></div>
`;
}

function endOfPage(
  { script }: PageFiles,
  {
    outcome,
    counts: numbers,
    durationMs,
  }: ReportIndex & { readonly counts: Readonly<Record<RowOutcome, number>> },
): string {
  const counts = (['pass', 'flaky', 'fail', 'inconclusive', 'not run'] as const).map(
    (one) => `${one}: ${numbers[one]}`,
  );
  return `<noscript><h1>${outcome}</h1><p>${counts.join(', ')}, in ${formatDuration(durationMs)}. The details need JavaScript.</p></noscript>
<script>${script}</script>
</body>
</html>
`;
}
