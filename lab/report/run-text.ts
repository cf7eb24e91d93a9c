import { shown, shownLine, pasteable } from '../core/content.ts';
import { withoutNames } from '../judge/parity.ts';
import type { Finding } from '../judge/verdict.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';
import { formatPlace } from './reporter.ts';

/** Longer details of a finding are cut after this many lines. verdict.json has all of them. */
const DETAIL_LINES = 24;
/** A longer text to paste is not shown on the terminal. verdict.json has it. */
const LONGEST_PASTE = 1500;

const safe = (line: string): string => shownLine(line, { whole: 'verdict.json' });

/** One finding in full, safe to display: the step, the place of its expectation, expected and actual, and details. */
export function findingText({
  stepId,
  node,
  message,
  place,
  expected,
  actual,
  detail = [],
  paste,
  warning,
}: Finding): readonly string[] {
  const compared =
    expected === undefined || actual === undefined ? [] : [`expected  ${expected}`, `actual    ${actual}`];
  const lines = (detail.length > 0 ? detail : compared).flatMap((line) => line.split('\n'));
  const more = lines.length - DETAIL_LINES;
  return [
    ...`${warning === true ? 'warning: ' : ''}${stepId}${node === undefined ? '' : ` on ${node}`}: ${message}`
      .split('\n')
      .map((line, index) => (index === 0 ? safe(line) : `  ${safe(line)}`)),
    ...(place === undefined ? [] : [`  at ${safe(formatPlace(place))}`]),
    ...lines.slice(0, more > 0 ? DETAIL_LINES : lines.length).map((line) => `    ${safe(line)}`),
    ...(paste === undefined || paste.length > LONGEST_PASTE ? [] : [`    to expect it  ${safe(paste)}`]),
    ...(more > 0 ? [`    … and ${more} more lines, all in verdict.json`] : []),
  ];
}

/** What a report shows about one problem. */
export interface Block {
  readonly lines: readonly string[];
  /** equal for the same problem in another cell, whatever its ids, times and log */
  readonly key: string;
}

/**
 * Everything that did not pass, step by step. Each step has the last lines of the runtime log that belong to it. Steps
 * that were not executed because of another step are one line.
 */
export function blocksOf(findings: readonly Finding[], { nodes }: Pick<RunPlan, 'nodes'>): readonly Block[] {
  const bad = findings.filter(({ outcome, warning }) => outcome !== 'pass' || warning === true);
  const own = bad.filter(({ causedBy }) => causedBy === undefined);
  return bad.flatMap((finding, index): readonly Block[] => {
    const { causedBy, stepId } = finding;
    if (causedBy !== undefined) {
      const first = bad.findIndex((one) => one.causedBy === causedBy) === index;
      return first ? [blockOf([notTaken(causedBy, bad)])] : [];
    }
    const isLast = own.findLast((one) => one.stepId === stepId) === finding;
    const log = isLast ? (finding.log ?? []) : [];
    return [
      blockOf(findingText(finding), [
        ...(log.length === 0 ? [] : [`  the last of ${nameOfRuntime(nodes, finding)}'s log`]),
        ...log.map((line) => `    ${safe(line)}`),
      ]),
    ];
  });
}

const nameOfRuntime = (nodes: RunPlan['nodes'], { node }: Finding): string =>
  nodes.find(({ name }) => name === node)?.runtime.component ?? 'the runtime';

/** The same as lines. */
export const findingsText = (findings: readonly Finding[], run: Pick<RunPlan, 'nodes'>): readonly string[] =>
  blocksOf(findings, run).flatMap(({ lines }) => lines);

const blockOf = (lines: readonly string[], log: readonly string[] = []): Block => ({
  lines: [...lines, ...log],
  key: keyOf(lines),
});

export const keyOf = (lines: readonly string[]): string =>
  withoutNames(lines.join('\n')).replaceAll(/\b\d+ ms\b/g, 'MS');

function notTaken(cause: string, bad: readonly Finding[]): string {
  const caused = bad.filter(({ causedBy }) => causedBy === cause);
  const steps = [...new Set(caused.map(({ stepId }) => stepId))];
  const further = caused.length - steps.length;
  const more =
    further === 0 ? '' : `; ${further} more that is expected of them does not hold, see verdict.json`;
  return `${steps.join(', ')}: not taken because of ${cause}${more}`;
}

/** The components of the nodes by source: `containerd 1.6.3, runc 1.1.15 (gomod); iptables (host)`. */
export function artifactsText(entries: readonly JournalEntry[]): string {
  const bySource = new Map<string, Set<string>>();
  for (const entry of entries) {
    if (entry.kind !== 'artifact') continue;
    const { name, version, source, note } = entry;
    const from = note === undefined ? source : `${source}, ${note}`;
    const versions = bySource.get(from) ?? new Set();
    bySource.set(from, versions.add(version === from ? name : `${name} ${version}`));
  }
  return shown([...bySource].map(([from, versions]) => `${[...versions].join(', ')} (${from})`).join('; '));
}

/** A command, ready to paste, that shows everything about a run. */
export const everythingText = (outputHostPath: string): string =>
  shown(pasteable(['cnilab', 'judge', '--verbose', outputHostPath]));

export const keptText = (
  kept: readonly { readonly enter: readonly string[]; readonly end: readonly string[] }[],
): readonly string[] => [
  kept.length === 1 ? 'the node was kept' : 'the nodes were kept',
  ...kept.flatMap(({ enter, end }) => [
    `  enter it  ${shown(pasteable(enter))}`,
    `  end it    ${shown(pasteable(end))}`,
  ]),
];
