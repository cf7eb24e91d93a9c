import { normalisedJournal, type Fact } from './normalised-journal.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { Verdict } from './verdict.ts';

/** One run as it was recorded somewhere. */
export interface RecordedRun {
  /** the backend's name */
  readonly on: string;
  readonly entries: readonly JournalEntry[];
  readonly verdict: Verdict;
}

/** How two runs of one plan differ: a line for each thing that only one of them saw, `start` and `end` included. */
export function differences(one: RecordedRun, other: RecordedRun): readonly string[] {
  const here = factsOf(one);
  const there = factsOf(other);
  return [
    ...without(here, there).map(({ stepId, text }) => `only on ${one.on}, ${stepId}: ${text}`),
    ...without(there, here).map(({ stepId, text }) => `only on ${other.on}, ${stepId}: ${text}`),
  ];
}

function factsOf({ entries, verdict }: RecordedRun): readonly Fact[] {
  const findings = verdict.findings.map(({ stepId, node, check, outcome }) => ({
    stepId,
    text: `${node === undefined ? '' : `${node}: `}${check}: ${outcome}`,
  }));
  return [
    ...normalisedJournal(entries),
    ...findings,
    { stepId: 'end', text: `the verdict is ${verdict.outcome}` },
  ];
}

/** As multisets: two leases are not one. */
function without(facts: readonly Fact[], others: readonly Fact[]): readonly Fact[] {
  const left = new Map<string, number>();
  for (const other of others) left.set(keyOf(other), (left.get(keyOf(other)) ?? 0) + 1);
  return facts.filter((one) => {
    const count = left.get(keyOf(one)) ?? 0;
    if (count > 0) left.set(keyOf(one), count - 1);
    return count === 0;
  });
}

const keyOf = ({ stepId, text }: Fact): string => `${stepId}\n${text}`;
