import { isAbsolute, relative, resolve, sep } from 'node:path';

import { shown } from '../core/content.ts';
import type { Outcome } from '../judge/verdict.ts';
import type { Place } from '../spec/diagnostic.ts';
import { cellList, Problems, type Problem } from './alike.ts';
import { createCollector, type Collected } from './collector.ts';
import { flakyText, keepOutcome, markdown, totalsOf, totalsText } from './markdown.ts';
import { formatPlace, type Reporter } from './reporter.ts';
import { count } from '../core/amounts.ts';

export interface GithubOptions {
  /** writes to the log of the step, in which the runner looks for commands */
  readonly write: (text: string) => void;
  /**
   * Appends to the summary file that the runner reads after the step. Missing if the runner provides no file; throws if
   * the file cannot be written.
   */
  readonly appendSummary?: (text: string) => void;
  /** the same for outputs of the step */
  readonly appendOutput?: (text: string) => void;
  /** how many bytes the summary may still have */
  readonly summaryRoom: number;
  /** paths of scenarios are relative to `cwd`; annotations name files relative to the workspace */
  readonly cwd: string;
  readonly workspace: string;
  /** files that other reporters write */
  readonly reportFiles: readonly string[];
  /** returns a different, unpredictable token each time */
  readonly newToken: () => string;
}

/** The runner shows ten annotations of each level and step. More of them are not useful. */
const MOST_ANNOTATIONS = 10;
const LONGEST_MESSAGE = 4000;
const LONGEST_TITLE = 200;

/**
 * For a step of a GitHub workflow. Writes annotations at the lines whose expectations failed, the worst first, the
 * Markdown report as the summary, and outputs. Until the session ends, command processing of the runner is stopped, so
 * that no output of a node can act as a command.
 */
export function createGithubReporter(options: GithubOptions): Reporter {
  const problems = new Problems();
  const token = options.newToken();
  const { write } = options;
  let isStopped = false;
  const collector = createCollector<Outcome>({
    name: 'github',
    keep: (ended) => keepOutcome(ended, problems),
    write(collected) {
      const ranked = problems.ranked();
      for (const line of annotations(ranked, options)) write(`${line}\n`);
      const { appendSummary, appendOutput, summaryRoom } = options;
      const attempts = [
        ['summary', appendSummary, () => summary(collected, { ranked, summaryRoom })],
        ['outputs', appendOutput, () => outputs(collected, options)],
      ] as const;
      for (const [what, append, text] of attempts) {
        try {
          append?.(text());
        } catch (thrown) {
          // a fork may have no such file; the observed results are still valid
          const why = thrown instanceof Error ? thrown.message : String(thrown);
          write(`cnilab: the ${what} of this step cannot be written: ${shown(why).replaceAll('\n', ' ')}\n`);
        }
      }
    },
  });
  return {
    name: collector.name,
    on(event) {
      if (event.kind === 'session-started') {
        isStopped = true;
        write(`::stop-commands::${token}\n`);
      }
      collector.on(event);
    },
    end() {
      if (isStopped) write(`::${token}::\n`);
      return collector.end();
    },
  };
}

function summary(
  collected: Collected<Outcome>,
  { ranked, summaryRoom }: { readonly ranked: readonly Problem[]; readonly summaryRoom: number },
): string {
  const text = markdown(collected, { problems: ranked, mostBytes: summaryRoom });
  if (Buffer.byteLength(text) > summaryRoom) throw new Error('there is no room left in it');
  return text;
}

function annotations(problems: readonly Problem[], options: GithubOptions): readonly string[] {
  const more = problems.length - MOST_ANNOTATIONS;
  return [
    ...problems.slice(0, MOST_ANNOTATIONS).map((problem) => annotation(problem, options)),
    ...(more > 0
      ? [`${count(more, 'more problem')} in the summary of this step and in the recorded runs`]
      : []),
  ];
}

function annotation(
  { lines: [headline = '', ...lines], runs, outcome, scenario, place }: Problem,
  options: GithubOptions,
): string {
  const at = placeInWorkspace(place, options);
  const title = cut(`${scenario.name}: ${headline}`, LONGEST_TITLE);
  const message = cut(
    [
      ...(at === undefined ? [`at ${formatPlace(place)}`] : []),
      `${headline}, in ${count(runs.length, 'cell')}: ${cellList(runs)}`,
      ...lines,
    ].join('\n'),
    LONGEST_MESSAGE,
  );
  return command(outcome === 'fail' ? 'error' : 'warning', { ...at, title }, message);
}

/** `file`, `line` and `col`; undefined if the file is not in the workspace. */
function placeInWorkspace(
  { file, line, column }: Place,
  { cwd, workspace }: GithubOptions,
): Readonly<Record<string, string | number>> | undefined {
  const path = relative(workspace, resolve(cwd, file));
  if (path === '' || path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)) return undefined;
  return { file: path, line, col: column };
}

function cut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** A workflow command, escaped like in the toolkit of the runner. */
export function command(
  name: string,
  properties: Readonly<Record<string, string | number>>,
  message: string,
): string {
  const pairs = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
  return `::${name} ${pairs.join(',')}::${escapeData(message)}`;
}

const escapeData = (text: string): string =>
  shown(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** The outputs of the step. Each is between delimiters that occur in no value. */
function outputs(collected: Collected<Outcome>, { reportFiles, newToken }: GithubOptions): string {
  const totals = totalsOf(collected);
  const values = {
    outcome: collected.over?.outcome ?? 'inconclusive',
    passed: totals.pass,
    failed: totals.fail,
    inconclusive: totals.inconclusive,
    'not-run': totals['not run'],
    flaky: collected.flaky.length,
    totals: `${totalsText(totals)}${flakyText(collected)}`,
    folder: collected.started?.outputHostPath ?? '',
    report: reportFiles.join('\n'),
  };
  return Object.entries(values)
    .map(([name, value]) => {
      const delimiter = `cnilab_${newToken()}`;
      return `${name}<<${delimiter}\n${String(value)}\n${delimiter}\n`;
    })
    .join('');
}
