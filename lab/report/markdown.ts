import { shown } from '../core/content.ts';
import type { RunEnded } from '../events.ts';
import type { Outcome } from '../judge/verdict.ts';
import { cellList, Problems, type Problem } from './alike.ts';
import { byScenario, createCollector, type Collected } from './collector.ts';
import { matrixTable, nameRuntime, overviewTable, type CellResult } from './matrix-table.ts';
import { formatPlace, type Reporter } from './reporter.ts';
import { count, formatDuration } from '../core/amounts.ts';
import { everythingText } from './run-text.ts';

/** GitHub rejects a summary of more than 1 MiB. */
const MOST_BYTES = 1000 * 1024;
/** From this many scenarios on, one table shows all of them. */
const OVERVIEW_FROM = 3;
const TABLE_COLUMNS = 140;
/** A longer problem or table is cut after this many lines. */
const LONGEST_BLOCK = 60;
const NOTICES = 20;

type Kept = Outcome;

/** For job summaries, comments and wikis: the verdict, what needs attention with the worst first, and the matrix. */
export function createMarkdownReporter({ write }: { readonly write: (text: string) => void }): Reporter {
  const problems = new Problems();
  return createCollector<Kept>({
    name: 'markdown',
    keep: (ended) => keepOutcome(ended, problems),
    write: (collected) => write(markdown(collected, { problems: problems.ranked() })),
  });
}

/** The data that this report needs from a run. */
export function keepOutcome(ended: RunEnded, problems: Problems): Outcome {
  problems.add(ended);
  return ended.verdict.outcome;
}

/** The number of runs with each outcome. */
export function totalsOf({ runs }: Collected<Outcome>): Readonly<Record<CellResult['outcome'], number>> {
  const totals = { pass: 0, fail: 0, inconclusive: 0, 'not run': 0 };
  for (const { kept } of runs) totals[kept ?? 'not run'] += 1;
  return totals;
}

const WORDS: readonly (readonly [CellResult['outcome'], string])[] = [
  ['fail', 'failed'],
  ['inconclusive', 'inconclusive'],
  ['not run', 'not run'],
  ['pass', 'passed'],
];

/** The totals for people: `2 failed, 10 passed` */
export function totalsText(totals: Readonly<Record<CellResult['outcome'], number>>): string {
  const parts = WORDS.filter(([outcome]) => totals[outcome] > 0).map(
    ([outcome, word]) => `${totals[outcome]} ${word}`,
  );
  return parts.length === 0 ? 'nothing was run' : parts.join(', ');
}

/** Follows the text of the totals: `, of which 2 are flaky` */
export const flakyText = ({ flaky: { length } }: Pick<Collected<unknown>, 'flaky'>): string =>
  length === 0 ? '' : `, of which ${length} ${length === 1 ? 'is' : 'are'} flaky`;

/**
 * The complete document, with fewer than this many bytes of UTF-8. What does not fit is cut from the end of its part,
 * and counted.
 */
export function markdown(
  collected: Collected<Outcome>,
  {
    problems,
    mostBytes = MOST_BYTES,
  }: { readonly problems: readonly Problem[]; readonly mostBytes?: number },
): string {
  const { over, started, interruptedBy, flaky } = collected;
  const notices = [
    ...flaky.map(({ run, attempts }) => `flaky: ${run.title}: ${attempts.join('; ')}`),
    ...collected.notices,
  ];
  const outcome = over?.outcome ?? 'inconclusive';
  const head = [
    `## ${MARKS[outcome]} cnilab: ${totalsText(totalsOf(collected))}${flakyText(collected)}`,
    '',
    ...(interruptedBy === undefined ? [] : [`The session was interrupted by ${code(interruptedBy)}.`, '']),
    ...(over === undefined
      ? ['The session did not come to its end.', '']
      : [
          `Verdict: **${outcome}**. ${count(collected.runs.length, 'run')} in ${formatDuration(over.durationMs)}, recorded in ${code(over.outputHostPath)}.`,
          '',
        ]),
    ...(started?.runs.length === 0 ? ['No run was planned.', ''] : []),
  ].join('\n');
  const noticesPart =
    notices.length === 0
      ? ''
      : `### Notices\n\n${fenced([...notices.slice(0, NOTICES), ...moreOf(notices.length - NOTICES, 'notice')])}\n`;
  // tables have the most information per byte, so they get their space first
  const left = mostBytes - bytesOf(head) - bytesOf(noticesPart);
  const tables = fitting(tablesOf(collected), { heading: '### Matrix', mostBytes: left / 3, what: 'table' });
  const attention = fitting(problems.map(problemText), {
    heading: '### What needs attention',
    mostBytes: left - bytesOf(tables),
    what: 'problem',
  });
  return [head, attention, tables, noticesPart].filter((part) => part !== '').join('\n');
}

const MARKS: Readonly<Record<Outcome, string>> = { pass: '✅', fail: '❌', inconclusive: '❔' };

function problemText({
  lines: [headline = '', ...lines],
  runs,
  outcome,
  scenario,
  place,
  outputHostPath,
}: Problem): string {
  return [
    `#### ${MARKS[outcome]} ${code(scenario.name)}: ${code(headline)}`,
    '',
    `${prose(scenario.summary)}`,
    '',
    `${outcome === 'fail' ? 'Failed' : 'Inconclusive'} in ${count(runs.length, 'cell')}: ${code(cellList(runs))}, at ${code(formatPlace(place))}.`,
    '',
    fenced(lines),
    `Everything: ${code(everythingText(outputHostPath))}`,
    '',
  ].join('\n');
}

/** The same tables as on the terminal: one table for many scenarios, or one table for each of a few. */
function tablesOf({ runs }: Collected<Outcome>): readonly string[] {
  const outcomes = new Map(runs.map(({ run, kept }) => [run.slug, kept ?? ('not run' as const)]));
  const outcomeOf = ({ slug }: { readonly slug: string }) => outcomes.get(slug) ?? 'not run';
  const scenarios = byScenario(runs.map(({ run }) => run));
  const options = { columns: TABLE_COLUMNS, paint: (_: unknown, text: string) => text };
  if (scenarios.length >= OVERVIEW_FROM) {
    const results = runs.map(({ run }) => ({
      scenario: run.control === undefined ? run.scenario.name : 'controls',
      version: nameRuntime(run.nodes[0]?.runtime),
      outcome: outcomeOf(run),
    }));
    return inParts(overviewTable(results, options)).map(fenced);
  }
  return scenarios.flatMap(({ name, runs: cells }) => {
    const results = cells.map((run) => ({ cell: run.cell, outcome: outcomeOf(run) }));
    const table = matrixTable(results, options);
    return table.length === 0 ? [] : inParts([shown(name), ...table]).map(fenced);
  });
}

/** Splits lines into parts, each short enough to be left out as a whole. */
const inParts = (lines: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(lines.length / LONGEST_BLOCK) }, (_, index) =>
    lines.slice(index * LONGEST_BLOCK, (index + 1) * LONGEST_BLOCK),
  );

/** As many of the parts as fit, in order, and how many were left out. */
function fitting(
  parts: readonly string[],
  {
    heading,
    mostBytes,
    what,
  }: { readonly heading: string; readonly mostBytes: number; readonly what: string },
): string {
  if (parts.length === 0) return '';
  const kept: string[] = [];
  let left = mostBytes - ROOM_FOR_WORDS;
  for (const part of parts) {
    left -= bytesOf(part) + 1;
    if (left < 0) break;
    kept.push(part);
  }
  const cut = parts.length - kept.length;
  const note =
    cut === 0
      ? []
      : [
          `_${count(cut, `more ${what}`)} of ${parts.length} left out: there is no room for more. The recorded runs have everything._`,
          '',
        ];
  return [heading, '', ...kept, ...note].join('\n');
}

/** Space for a heading and the note about what is left out. */
const ROOM_FOR_WORDS = 400;

const moreOf = (n: number, what: string): readonly string[] =>
  n > 0 ? [`… and ${count(n, `more ${what}`)}`] : [];

const bytesOf = (text: string): number => Buffer.byteLength(text);

const longestRun = (text: string): number =>
  Math.max(0, ...[...text.matchAll(/`+/g)].map(([{ length }]) => length));

/** Lines from untrusted sources, unchanged, in a code block: nothing in them is read as Markdown. */
function fenced(lines: readonly string[]): string {
  const cut = lines.length - LONGEST_BLOCK;
  const text = [...lines.slice(0, LONGEST_BLOCK), ...moreOf(cut, 'line')].map(shown).join('\n');
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text}\n${fence}\n`;
}

/** A longer line is not useful to a reader. */
const LONGEST_CODE = 1000;

/**
 * The same within a line. It is code, because GitHub looks for user names, issue numbers and links in all other text.
 */
function code(text: string): string {
  const line = shown(text).replaceAll(/\s+/g, ' ').trim();
  if (line === '') return '';
  const inner =
    line.length > LONGEST_CODE ? `${[...line.slice(0, LONGEST_CODE)].slice(0, -1).join('')}…` : line;
  const fence = '`'.repeat(longestRun(inner) + 1);
  const space = inner.startsWith('`') || inner.endsWith('`') ? ' ' : '';
  return `${fence}${space}${inner}${space}${fence}`;
}

/**
 * Escapes a sentence from a scenario file: nothing in it is read as Markdown, HTML or a link, and `@name` notifies
 * nobody.
 */
const prose = (text: string): string =>
  shown(text)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST_CODE)
    .replaceAll(/[\\`*_{}[\]<>()#|~&$!@]|^[-+=]|^\d+(?=[.)])|:(?=\/\/)|(?<=www)\./gi, escapeProse);

function escapeProse(found: string): string {
  if (found === '@') return '@<!-- -->';
  return /^\d/.test(found) ? `&#${found.charCodeAt(0)};${found.slice(1)}` : `\\${found}`;
}
