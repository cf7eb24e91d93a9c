import { shownLine } from '../core/content.ts';
import { parseLogrus, parseLogrusLine, type LogLine } from '../core/logrus.ts';
import { podOf } from '../judge/left-over.ts';
import type { Finding, LeftItem, Outcome } from '../judge/verdict.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Place } from '../spec/diagnostic.ts';
import { formatPlace } from './reporter.ts';
import { keyOf, type Block } from './run-text.ts';

/** A summary of a run that did not pass: first the problems in full, then what only follows from them. */
export interface Glance {
  readonly problems: readonly Problem[];
  /** one line for each step or check that only follows from the problems */
  readonly follows: readonly { readonly stepId: string; readonly line: string }[];
}

/** One step that is wrong by itself. */
export interface Problem {
  readonly stepId: string;
  /** in words: `2-stop-pod failed, expected success` */
  readonly headline: string;
  /** of the expectation in the scenario: `our-issue.yaml:17:5` */
  readonly place?: string;
  /** the same, as a Place */
  readonly at?: Place;
  /** expected and actual, the purpose of the step, and what can be pasted into the file */
  readonly lines: readonly string[];
  /** warnings and errors of the runtime during this step */
  readonly log: readonly string[];
}

export interface GlanceOptions {
  readonly run: RunPlan;
  readonly findings: readonly Finding[];
  readonly outcome: Outcome;
  readonly entries: readonly JournalEntry[];
  /** width of the shown part of two texts around their first difference */
  readonly columns: number;
}

interface Known extends GlanceOptions {
  readonly names: Names;
}

/** Further problems are one line each, because the first ones usually explain them. */
const PROBLEMS_IN_FULL = 3;
const LOG_LINES = 6;
const ITEM_LINES = 12;

/**
 * The summary of a run that did not pass. A later finding follows from a problem if it is about the same pod, about
 * pods that are still listed, or about what was left behind, or if its step was not executed because of the problem.
 * Nothing is left out: such a finding is one line, and `cnilab judge` prints all of them in full.
 */
export function glanceAt(asked: GlanceOptions): Glance {
  const { run, findings, outcome } = asked;
  const options: Known = { ...asked, names: [...namesOf(asked.entries), ...namesInPastes(findings)] };
  const bad = findings.filter((one) => one.outcome !== 'pass' && one.check !== 'control');
  const first = bad.find((one) => one.outcome === outcome) ?? bad[0];
  const control = findings.find((one) => one.check === 'control' && one.outcome !== 'pass');
  if (first === undefined) {
    const only = control ?? findings.find(({ warning }) => warning === true);
    return { problems: only === undefined ? [] : [problemOf([only], options)], follows: [] };
  }
  const steps = groupsOf(bad);
  const cause = steps.find((group) => group.includes(first)) ?? [first];
  const pods = new Set(cause.map((one) => podOfStep(run, one.stepId)));
  const rest = steps.filter((group) => group !== cause);
  const own = rest.filter((group) => !group.every((one) => followsFrom(one, { first, pods, run })));
  const inFull = [cause, ...own.slice(0, PROBLEMS_IN_FULL - 1)];
  const warnings = findings.filter((one) => one.outcome === 'pass' && one.warning === true);
  return {
    problems: [
      ...(control === undefined ? [] : [problemOf([control], options)]),
      ...inFull.map((group) => problemOf(group, options)),
    ],
    follows: [
      ...steps
        .filter((group) => !inFull.includes(group))
        .flatMap((group) =>
          inOneLine(group, options).map((line) => ({ stepId: group[0]?.stepId ?? 'end', line })),
        ),
      ...warnings.map((one) => ({ stepId: one.stepId, line: `warning: ${headlineOf(one, options)}` })),
    ],
  };
}

/** Findings grouped by step and node, in the order of the run. */
function groupsOf(findings: readonly Finding[]): readonly (readonly Finding[])[] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = `${finding.stepId} ${finding.node ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()];
}

const podOfStep = (run: RunPlan, stepId: string): string | undefined => {
  const step = run.steps.find(({ id }) => id === stepId);
  return step === undefined ? undefined : podOf(step.action, run);
};

const OF_STATE: readonly Finding['check'][] = ['pod', 'left-behind'];

function followsFrom(
  finding: Finding,
  {
    first,
    pods,
    run,
  }: {
    readonly first: Finding;
    readonly pods: ReadonlySet<string | undefined>;
    readonly run: RunPlan;
  },
): boolean {
  const at = (stepId: string) => {
    if (stepId === 'start') return -1;
    const index = run.steps.findIndex(({ id }) => id === stepId);
    return index < 0 ? run.steps.length : index;
  };
  if (finding.causedBy !== undefined) return true;
  if (at(finding.stepId) < at(first.stepId)) return false;
  const isSame = finding.stepId === first.stepId && finding.node === first.node;
  if (isSame || OF_STATE.includes(finding.check)) return true;
  // a step without a pod (a start, a wait, a file) affects everything after it
  return pods.has(undefined) || pods.has(podOfStep(run, finding.stepId));
}

function problemOf(group: readonly Finding[], options: Known): Problem {
  const { run } = options;
  const [main] = group;
  if (main === undefined) throw new Error('a problem has one finding at least');
  const step = run.steps.find(({ id }) => id === main.stepId);
  const note = step?.note === undefined ? [] : [`note      ${step.note}`];
  const body = group.flatMap((finding, index) => [
    ...(index === 0 ? [] : [headlineOf(finding, options)]),
    ...linesOf(finding, options),
  ]);
  return {
    stepId: main.stepId,
    headline: headlineOf(main, options),
    ...(main.place === undefined ? {} : { place: safe(formatPlace(main.place)), at: main.place }),
    lines: [...note, ...body].map(safe),
    log: logOf(group, options),
  };
}

const safe = (line: string): string => shownLine(line, { whole: 'verdict.json' });

/** The message of a finding, with the step in front and names instead of ids. */
function headlineOf({ stepId, node, message }: Finding, { names }: Known): string {
  const text = withNames(message, names).split('\n')[0] ?? '';
  const where = `${stepId}${node === undefined ? '' : ` on ${node}`}`;
  return safe(/^(?:failed|succeeded), /.test(text) ? `${where} ${text}` : `${where}: ${text}`);
}

function linesOf(finding: Finding, { names, columns }: Known): readonly string[] {
  const { detail = [], expected, actual, paste, items } = finding;
  const compared =
    expected === undefined || actual === undefined ? [] : [`expected  ${expected}`, `actual    ${actual}`];
  const further = finding.message.split('\n').slice(1);
  const body =
    items === undefined
      ? detail.length > 0
        ? detail
        : compared
      : [...notThere(finding), ...itemLines(items, names)];
  const lines = body.flatMap((line) => line.split('\n')).filter((line) => !line.startsWith('actual in full'));
  return [
    ...further.map((line) => withNames(line, names)),
    ...fitPointer(pointerWithNames(lines, names), columns),
    ...(paste === undefined ? [] : [`to expect it  ${paste}`]),
  ];
}

const LABEL = 'expected  '.length;

/** Where the three lines of a difference start: expected, actual and the pointer; -1 if there are none. */
const differenceAt = (lines: readonly string[]): number =>
  lines.findIndex((line) => /^ {10,}\^ /.test(line)) - 2;

/**
 * Replaces ids with names. The pointer still points to the first difference: it only moves with the text before it,
 * which both lines share.
 */
function pointerWithNames(lines: readonly string[], names: Names): readonly string[] {
  const at = differenceAt(lines);
  const [expected, actual, pointer] = at < 0 ? [] : lines.slice(at, at + 3);
  if (expected === undefined || actual === undefined || pointer === undefined)
    return lines.map((line) => withNames(line, names));
  const caret = pointer.indexOf('^');
  const same = expected.slice(LABEL, caret);
  const around = (from: readonly string[]) => from.map((line) => withNames(line, names));
  if (same !== actual.slice(LABEL, caret))
    return [...around(lines.slice(0, at)), expected, actual, pointer, ...around(lines.slice(at + 3))];
  const head = withNames(same, names);
  return [
    ...around(lines.slice(0, at)),
    `${expected.slice(0, LABEL)}${head}${withNames(expected.slice(caret), names)}`,
    `${actual.slice(0, LABEL)}${head}${withNames(actual.slice(caret), names)}`,
    `${' '.repeat(LABEL + head.length)}${pointer.slice(caret)}`,
    ...around(lines.slice(at + 3)),
  ];
}

/** Reduces two texts and the pointer below them to a part of this width around the pointer. */
export function fitPointer(lines: readonly string[], columns: number): readonly string[] {
  const at = differenceAt(lines);
  const [expected, actual, pointer] = at < 0 ? [] : lines.slice(at, at + 3);
  if (expected === undefined || actual === undefined || pointer === undefined) return lines;
  const width = Math.max(20, columns - LABEL);
  const caret = pointer.indexOf('^') - LABEL;
  const longest = Math.max(expected.length, actual.length) - LABEL;
  if (longest <= width) return lines;
  const from = Math.max(0, Math.min(caret - Math.floor(width / 2), longest - width));
  const cut = (line: string) => {
    const text = line.slice(LABEL).padEnd(from);
    const part = text.slice(from, from + width);
    const head = from > 0 ? `…${part.slice(1)}` : part;
    return `${line.slice(0, LABEL)}${text.length > from + width ? `${head.slice(0, -1)}…` : head}`;
  };
  return [
    ...lines.slice(0, at),
    cut(expected),
    cut(actual),
    `${' '.repeat(LABEL + caret - from)}${pointer.slice(pointer.indexOf('^'))}`,
    ...lines.slice(at + 3),
  ];
}

/** What a file expects to be left behind but does not exist. */
const notThere = ({ detail = [], items = [] }: Finding): readonly string[] =>
  detail.filter((line) => !items.some(({ kind, name }) => line.startsWith(`${kind} ${name}`)));

function itemLines(items: readonly LeftItem[], names: Names): readonly string[] {
  const lines = items.map((item) => {
    const of = item.pod === undefined ? '' : ` of ${item.pod}`;
    const since = item.since === undefined ? '' : `, since ${item.since}`;
    const gone = item.goneBy === undefined ? '' : `, gone only by ${item.goneBy}`;
    return `${item.kind} ${withNames(item.name, names)}${of}${since}${gone}`;
  });
  const more = lines.length - ITEM_LINES;
  return more > 0 ? [...lines.slice(0, ITEM_LINES), `… and ${more} more`] : lines;
}

/**
 * What follows from a problem, one line for each finding. A group of findings of a step that was not executed is one
 * line.
 */
function inOneLine(group: readonly Finding[], options: Known): readonly string[] {
  const { names } = options;
  const causedBy = group.find((one) => one.causedBy !== undefined)?.causedBy;
  if (causedBy !== undefined) return [safe(`${group[0]?.stepId ?? ''} was not taken because of ${causedBy}`)];
  return group.map((finding) => {
    const { stepId, items, check, actual } = finding;
    if (items !== undefined && items.length > 0)
      return safe([`${stepId}: left behind: ${summaryOf(items, names)}`, ...notThere(finding)].join('; '));
    const error =
      check === 'ok' && actual !== undefined ? `: ${withNames(actual, names).split('\n')[0] ?? ''}` : '';
    return `${headlineOf(finding, options)}${safe(error)}`;
  });
}

/** For these kinds the name is more useful than the kind. */
const NAMED: readonly string[] = ['ipam', 'process', 'file'];

/** A list of items for people: `netns, veth, ipam 10.88.0.2, 4 iptables, all since 1-run-pod` */
export function summaryOf(items: readonly LeftItem[], names: Names): string {
  const steps = [...new Set(items.map(({ since }) => since))];
  const parts = steps.map((since) => {
    const of = items.filter((item) => item.since === since);
    const kinds = [...new Set(of.map(({ kind }) => kind))].map((kind) => {
      const same = of.filter((item) => item.kind === kind);
      const [only] = same;
      if (same.length > 1) return `${same.length} ${kind}`;
      const name = withNames(only?.name ?? '', names).replace(/^.*\//, '');
      return NAMED.includes(kind) ? `${kind} ${name}` : kind;
    });
    return { text: kinds.join(', '), since };
  });
  const since = (step: string | undefined) => (step === undefined ? '' : ` since ${step}`);
  const [one] = parts;
  if (parts.length === 1 && one !== undefined)
    return `${one.text}${one.since === undefined ? '' : `, ${items.length > 1 ? 'all ' : ''}since ${one.since}`}`;
  return parts.map((part) => `${part.text}${since(part.since)}`).join('; ');
}

/**
 * Warnings and errors of the runtime during this step. Each appears once, with the time of day and names instead of
 * ids.
 */
function logOf(group: readonly Finding[], { entries, names }: Known): readonly string[] {
  const [{ stepId, node } = { stepId: '' }] = group;
  const ofStep = entries.flatMap((entry) =>
    entry.kind === 'runtime-log' && entry.stepId === stepId && entry.node === node ? [entry.text] : [],
  );
  // the reason for a missing configuration may be in the log of an earlier step; the judge has found it
  const found = group.flatMap(({ log = [] }) => log).map(parseLogrusLine);
  const lines = [...found, ...ofStep.flatMap(parseLogrus)].filter(matters);
  const texts = [...new Map(lines.map((line) => [line.raw, line])).values()].map((line) => {
    const { message, fields, level } = line;
    const error = fields['error'] === undefined ? '' : `: ${fields['error']}`;
    const isKnown = error !== '' && group.some(({ actual = '' }) => actual !== '' && error.endsWith(actual));
    const text = `${message}${isKnown ? ': (the same error)' : error}`.trim().replaceAll('\n', ' ');
    return safe(withNames([timeOfDay(line), level, text].filter((part) => part !== '').join(' '), names));
  });
  const unique = [...new Set(texts)];
  return unique.slice(-LOG_LINES);
}

const IMPORTANT: readonly string[] = ['warning', 'error', 'fatal', 'panic'];

/**
 * Whether a log line is worth showing. A line without a level is a panic, or output of a plugin. The warnings that
 * containerd logs at every clean-up are not useful.
 */
const matters = ({ level, message, raw }: LogLine): boolean =>
  raw.trim() !== '' &&
  (level === '' || IMPORTANT.includes(level)) &&
  !/^(?:cleaning up after shim disconnected|cleanup warnings )/.test(message);

const timeOfDay = ({ timeText }: LogLine): string => /T(\d\d:\d\d:\d\d\.\d{3})/.exec(timeText)?.[1] ?? '';

/** Values of this run that have a name, the longest first. */
export type Names = readonly (readonly [value: string, name: string])[];

export const namesOf = (entries: readonly JournalEntry[]): Names =>
  entries
    .flatMap((entry): Names => {
      if (entry.kind !== 'capture' || entry.value.length < 12 || /^[\d.:/]+$/.test(entry.value)) return [];
      return [[entry.value, entry.name.replace(/\.id$/, '')]];
    })
    .toSorted(([a], [b]) => b.length - a.length);

/** The id of a pod that did not start is only known from an error. Its name is in the text to paste. */
const namesInPastes = (findings: readonly Finding[]): Names =>
  findings.flatMap(({ paste = '', actual = '' }): Names => {
    const { 1: before = '', 2: name = '' } = /(.{0,20})\$\{([^.}]+)\.id\}/.exec(paste) ?? [];
    const [id] = /^[0-9a-f]{64}/.exec(actual.slice(actual.indexOf(before) + before.length)) ?? [];
    return name === '' || id === undefined ? [] : [[id, name]];
  });

/**
 * The summary as text: problems in full, then one line for each thing that follows. `key` is equal for the same result
 * in another cell, whatever its ids, times and log.
 */
export function glanceBlocks({ problems, follows }: Glance): readonly Block[] {
  return problems.map((problem, index) => {
    const own = linesOfProblem({ ...problem, log: [] });
    const isLast = index === problems.length - 1;
    const after =
      isLast && follows.length > 0
        ? ['after that, perhaps because of it', ...follows.map(({ line }) => `  ${line}`)]
        : [];
    return {
      lines: [...linesOfProblem(problem), ...after],
      key: keyOf([...own, ...after]),
    };
  });
}

/** One problem as text, without what follows from it. */
export const linesOfProblem = ({ headline, place, lines, log }: Problem): readonly string[] => [
  headline,
  ...(place === undefined ? [] : [`  at ${place}`]),
  ...lines.map((line) => `    ${line}`),
  ...log.map((line) => `    log  ${line}`),
];

/** Replaces ids with names: `<web>` for the id of the pod web, `e2f61a16…` for other ids. */
export function withNames(text: string, names: Names): string {
  const known = names.reduce((before, [value, name]) => before.replaceAll(value, `<${name}>`), text);
  return known
    .replaceAll(/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1…')
    .replaceAll(/\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '$1…');
}
