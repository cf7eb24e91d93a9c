import picocolors from 'picocolors';

import type { Clock } from '../core/ports.ts';
import { shown } from '../core/content.ts';
import type { LabEvent } from '../events.ts';
import type { Outcome } from '../judge/verdict.ts';
import { headOf, type RunHead } from '../plan/plan.ts';
import { cellList, cellName, SeenBefore } from './alike.ts';
import { attemptTexts, isFlaky } from './attempts.ts';
import { byScenario } from './collector.ts';
import { glanceAt, glanceBlocks } from './glance.ts';
import { matrixTable, nameRuntime, overviewTable, type CellResult } from './matrix-table.ts';
import type { Reporter, Screen } from './reporter.ts';
import { count, formatDuration } from '../core/amounts.ts';
import { artifactsText, blocksOf, findingText, everythingText, keptText, type Block } from './run-text.ts';
import { SlowWork, StatusLine } from './status-line.ts';

export interface TerminalOptions {
  readonly screen: Screen;
  readonly clock: Clock;
  /** also report current work, and what passed */
  readonly verbose: boolean;
}

const INDENT = '      ';
/** for logs of CI services and files, which have no width */
const PLAIN_COLUMNS = 100;
/** From this many scenarios on, one table shows all of them. */
const OVERVIEW_FROM = 3;
/** The table is also for CI logs. */
const WIDEST = 80;
const SLOWEST = 10;
/** A run that takes longer than this, in seconds, is shown on the status line. */
const LONG_S = 5;
/** The remaining time is estimated after this many runs have ended. */
const ESTIMATE_FROM = 5;

type Lines = readonly string[];
type LinesFor = {
  readonly [K in LabEvent['kind']]: (event: Extract<LabEvent, { readonly kind: K }>) => Lines;
};

/**
 * For people: one line for each run that passes, all important details of a run that does not, and totals at the end.
 */
export function createTerminalReporter({ screen, clock, verbose }: TerminalOptions): Reporter {
  const colors = picocolors.createColors(screen.color);
  const status = new StatusLine(screen);
  const slow = new SlowWork({
    clock,
    shownOn: screen.isTerminal ? 'terminal' : 'plain',
    onSlow: (line) => (screen.isTerminal ? draw() : status.print([shown(line)])),
  });
  /** each current run → its current step, and the start of that step */
  const running = new Map<string, { readonly title: string; stepId: string; readonly sinceMs: number }>();
  const ended = new Map<string, { readonly outcome: Outcome; readonly durationMs: number }>();
  const counts = { pass: 0, fail: 0, inconclusive: 0, flaky: 0 };
  let spentMs = 0;
  const seenBefore = new SeenBefore();
  /** of scenarios that did not pass; each is shown once */
  const summaries = new Set<string>();
  let runs: readonly RunHead[] = [];
  let titleWidth = 0;
  let jobsAtOnce = 1;
  let ticking: AbortController | undefined;

  const paint = (outcome: CellResult['outcome'], text: string): string => {
    if (outcome === 'pass') return colors.green(text);
    return outcome === 'fail' ? colors.red(text) : colors.yellow(text);
  };
  const draw = (): void => {
    if (!screen.isTerminal) return;
    const now = [
      ...[...running.values()].map(({ title, stepId, sinceMs }) => {
        const seconds = Math.floor((clock.now() - sinceMs) / 1000);
        return `${title} (${stepId}${seconds >= LONG_S ? `, ${seconds} s` : ''})`;
      }),
      ...slow.current(),
    ];
    status.show(now.length === 0 ? '' : `${[progressText(), ...now].join('  ')}`);
  };
  /** A step that hangs causes no events, but its displayed seconds must continue. */
  const tick = async (): Promise<void> => {
    if (!screen.isTerminal || ticking !== undefined) return;
    ticking = new AbortController();
    try {
      for (;;) {
        await clock.sleep(1000, ticking.signal);
        draw();
      }
    } catch {
      // aborted: the session is over
    }
  };
  /** `12/60 (1 not passed, about 40 s left)` */
  const progressText = (): string => {
    const wrong = counts.fail + counts.inconclusive;
    const left = runs.length - ended.size;
    const leftS = Math.round((spentMs / Math.max(1, ended.size) / jobsAtOnce) * (left / 1000));
    const notes = [
      ...(wrong === 0 ? [] : [`${wrong} not passed`]),
      ...(ended.size < ESTIMATE_FROM || leftS < LONG_S ? [] : [`about ${formatRest(leftS)} left`]),
    ];
    return `${ended.size}/${runs.length}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
  };
  const titleOf = ({ title }: Pick<RunHead, 'title'>): string => shown(title);
  /** fits lines to the width of a terminal; other output keeps its lines */
  const fit = (text: string): Lines =>
    screen.isTerminal ? wrap(text, screen.columns - INDENT.length) : [text];
  const dim = (lines: Lines): Lines => lines.flatMap(fit).map(colors.dim);

  const linesFor: LinesFor = {
    'session-started': ({ runs: planned, backend, jobs }) => {
      runs = planned;
      titleWidth = planned.reduce((width, run) => Math.max(width, titleOf(run).length), 0);
      jobsAtOnce = Math.max(1, Math.min(jobs, planned.length));
      const atOnce = jobs > 1 && planned.length > 1 ? `, ${Math.min(jobs, planned.length)} at a time` : '';
      if (planned.length === 0) return [];
      return [colors.dim(`${count(planned.length, 'run')} on ${backend}${atOnce}`)];
    },
    progress: (news) => {
      const last = slow.add(news);
      return last === undefined ? [] : [shown(last)];
    },
    'run-started': ({ run }) => {
      running.set(run.slug, { title: run.title, stepId: 'start', sinceMs: clock.now() });
      void tick();
      return [];
    },
    observed: ({ run, entry }) => {
      if (entry.kind !== 'step-started') return [];
      const now = running.get(run.slug);
      if (now !== undefined) now.stepId = entry.stepId;
      return verbose ? [colors.dim(`      ${titleOf(run)}  ${entry.stepId}`)] : [];
    },
    'run-ended': ({ run, verdict, entries, durationMs, outputHostPath, kept, attempts }) => {
      running.delete(run.slug);
      ended.set(run.slug, { outcome: verdict.outcome, durationMs });
      counts[verdict.outcome] += 1;
      spentMs += durationMs;
      const title = titleOf(run).padEnd(titleWidth);
      const flaky = isFlaky({ verdict, attempts });
      if (flaky) counts.flaky += 1;
      const word = flaky ? colors.yellow('flaky') : paint(verdict.outcome, verdict.outcome);
      const line = `${word}  ${title}  ${formatDuration(durationMs).padStart(8)}`;
      const artifacts = artifactsText(entries);
      const isControl = verdict.outcome === 'pass' && run.control !== undefined;
      const { findings, outcome } = verdict;
      const columns = Math.max(40, (screen.isTerminal ? screen.columns : PLAIN_COLUMNS) - INDENT.length - 4);
      const blocks = verbose
        ? blocksOf(findings, run)
        : glanceBlocks(glanceAt({ run, findings, outcome, entries, columns }));
      const details = isControl ? [] : blocks.flatMap(linesOnce(headOf(run)));
      const passed = verdict.findings.filter(
        ({ outcome }) => verdict.outcome === 'pass' || outcome === 'pass',
      );
      const below = [
        ...(verbose ? passed.flatMap((finding) => dim(findingText(finding).slice(0, 1))) : []),
        ...(outcome === 'pass' || run.scenario.summary === '' || summaries.has(run.scenario.summary)
          ? []
          : dim([shown(run.scenario.summary)])),
        ...details.flatMap(fit),
        ...(outcome === 'pass' || artifacts === '' ? [] : dim([`made of     ${artifacts}`])),
        ...(outcome === 'pass' ? [] : dim([`everything  ${everythingText(outputHostPath)}`])),
        ...dim(attemptTexts({ attempts }).map((text) => shown(text))),
        ...(kept === undefined ? [] : keptText(kept)),
      ];
      if (outcome !== 'pass') summaries.add(run.scenario.summary);
      return [line, ...below.map((text) => INDENT + text), ...(details.length === 0 ? [] : [''])];
    },
    interrupted: ({ by }) => [
      colors.yellow(`${shown(by)}: everything is being taken down; a second one does not wait for it`),
    ],
    notice: ({ message }) => [shown(message)],
    'session-ended': ({ durationMs, outputHostPath }) => {
      slow.end();
      running.clear();
      if (runs.length === 0) return [];
      return [
        ...overview(),
        ...tables(),
        `${totals()} in ${formatDuration(durationMs)}; recorded in ${shown(outputHostPath)}`,
      ];
    },
  };

  const outcomeOf = ({ slug }: RunHead): Outcome | 'not run' => ended.get(slug)?.outcome ?? 'not run';
  const linesOnce =
    (run: RunHead) =>
    (block: Block): Lines => {
      const [first = run] = seenBefore.note(run, block).runs;
      return first === run ? block.lines : [`${block.lines[0] ?? ''}, as in ${cellName(first)}`];
    };
  /** Many scenarios share one table. Then only those that did not pass also have their own table. */
  const isOverview = (): boolean => byScenario(runs).length >= OVERVIEW_FROM;
  const overview = (): Lines => {
    if (!isOverview()) return [];
    const results = runs.map((run) => ({
      scenario: run.control === undefined ? run.scenario.name : 'controls',
      version: nameRuntime(run.nodes[0]?.runtime),
      outcome: outcomeOf(run),
    }));
    const tookMs = (run: RunHead): number => ended.get(run.slug)?.durationMs ?? 0;
    const slowest = runs
      .filter(({ slug }) => ended.has(slug))
      .sort((a, b) => tookMs(b) - tookMs(a))
      .slice(0, SLOWEST);
    const cut = (text: string) => (text.length > WIDEST - 14 ? `${text.slice(0, WIDEST - 15)}…` : text);
    const width = Math.max(0, ...slowest.map((run) => cut(titleOf(run)).length));
    return [
      '',
      ...overviewTable(results, { columns: Math.min(screen.columns, WIDEST), paint }),
      '',
      'slowest',
      ...slowest.map(
        (run) => `  ${cut(titleOf(run)).padEnd(width)}  ${formatDuration(tookMs(run)).padStart(8)}`,
      ),
      '',
    ];
  };
  const tables = (): Lines =>
    byScenario(runs).flatMap(({ name, runs: cells }) => {
      if (cells.length < 2) return [];
      if (isOverview() && cells.every((run) => outcomeOf(run) === 'pass')) return [];
      const results = cells.map((run) => ({ cell: run.cell, outcome: outcomeOf(run) }));
      const repeated = seenBefore
        .repeatedIn(cells)
        .flatMap(({ lines, runs: found }) => [
          `  ${lines[0] ?? ''}`,
          ...fit(`    in ${found.length} of ${cells.length}: ${cellList(found)}`),
        ]);
      const table = matrixTable(results, { columns: screen.columns, paint });
      return ['', shown(name), ...table, ...repeated, ''];
    });
  const totals = (): string => {
    const flaky = counts.flaky === 0 ? '' : ` (${counts.flaky} flaky)`;
    const parts = [
      [counts.pass, 'pass', `passed${flaky}`],
      [counts.fail, 'fail', 'failed'],
      [counts.inconclusive, 'inconclusive', 'inconclusive'],
      [runs.length - ended.size, 'not run', 'not run'],
    ] as const;
    const texts = parts.filter(([n]) => n > 0).map(([n, outcome, word]) => paint(outcome, `${n} ${word}`));
    return texts.length === 0 ? 'nothing was run' : texts.join(', ');
  };

  return {
    name: 'terminal',
    on(event) {
      // Each formatter takes the event of its own key, but TypeScript cannot follow that across the union.
      const lines = (linesFor[event.kind] as (event: LabEvent) => Lines)(event);
      if (lines.length > 0) status.print(lines);
      draw();
    },
    end() {
      slow.end();
      ticking?.abort();
      status.show('');
    },
  };
}

/** Rounded, because it is an estimate: `40 s`, `3 min`. */
const formatRest = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds / 5) * 5} s` : `${Math.round(seconds / 60)} min`;

/**
 * Splits a line into several lines of this width. Each further line is indented by four more. Lines to copy and lines
 * with a pointer are not split.
 */
export function wrap(line: string, columns: number): Lines {
  if (line.length <= columns || /^ *(?:to expect it |expected {2}|actual {4}|\^ |everything )/.test(line))
    return [line];
  const indent = /^ */.exec(line)?.[0] ?? '';
  const [first = '', ...words] = line.trimStart().split(/(?<=\S) /);
  const lines = [indent + first];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}    ${word}`);
  }
  return lines;
}
