import type { JournalEntry, ObservedOn } from '../observe/observation.ts';
import type { Verdict } from './verdict.ts';
import { CNI_BIN, RECORDED_PLUGINS } from '../core/components.ts';
import type { StateItem } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import { unwrapCrictlError } from './crictl-error.ts';

/** One run with the place where it was recorded. */
export interface RecordedRun {
  /** the name of the backend */
  readonly on: string;
  readonly entries: readonly JournalEntry[];
  readonly verdict: Verdict;
}

/**
 * The differences between two runs of one plan, one line for each fact that only one of them has. Includes `start` and
 * `end`.
 */
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

/** Compares as multisets, because two equal leases are not one lease. */
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

/** One observed fact of a run, without what varies between runs: ids, random names, times. */
export interface Fact {
  readonly stepId: string;
  readonly text: string;
}

/**
 * What a run shows of the system under test, in the order of its steps: how each command ended and its error, what was
 * captured and waited for, and what was on the node after each step. If two runs of one plan have the same facts, they
 * saw the same behaviour, on any backend, machine or day. Logs are left out, because a runtime does not guarantee their
 * order.
 */
export function normalisedJournal(entries: readonly JournalEntry[]): readonly Fact[] {
  return settledLooks(lastLooks(entries)).flatMap((entry): readonly Fact[] => {
    const fact = (stepId: string, text: string): Fact => factOn(entry, { stepId, text });
    switch (entry.kind) {
      case 'command':
        return [fact(entry.stepId, commandText(entry.result))];
      case 'capture':
        // the order of parallel pods is not guaranteed
        if (isTogether(entry.stepId) && /\.ip6?$/.test(entry.name)) return [];
        return [fact(entry.stepId, `${entry.name} is ${entry.value}`)];
      case 'waited':
        return [fact(entry.stepId, `${entry.what}: ${entry.met ? 'met' : 'not met'}`)];
      case 'not-run':
        return [fact(entry.stepId, `not run: ${entry.why}`)];
      case 'runtime-ended':
        return [
          fact(
            entry.stepId,
            `the runtime ended with ${entry.exitCode ?? entry.signal}, asked: ${entry.asked}`,
          ),
        ];
      case 'look':
        return [
          ...lasting(entry.state.items).map(({ kind, name }) => `there is ${kind} ${name}`),
          ...entry.state.unseen.map(({ kind }) => `${kind} could not be looked at`),
        ]
          .map((text) => fact(entry.stepId, text))
          .sort((a, b) => (a.text < b.text ? -1 : 1));
      case 'lab-failure':
        return [fact('end', `the lab failed during ${entry.during}: ${entry.message}`)];
      case 'cleanup-failure':
        return [fact('end', `${entry.what} was not cleaned up: ${entry.message}`)];
      case 'interrupted':
        return [fact('end', `interrupted by ${entry.by}`)];
      case 'run-started':
      case 'artifact':
      case 'node-ready':
      case 'cluster-part':
      case 'cluster-look': // addresses, and what the cluster itself runs in pods, differ by backend
      case 'step-started':
      case 'runtime-log':
      case 'cni-call-started':
      case 'cni-call-ended':
      case 'netns':
      case 'unrecorded':
      case 'files':
      case 'step-ended':
      case 'usage':
      case 'run-ended':
        return [];
    }
  });
}

/** Whether the step is one of several that are started at the same time: `2.1-run-pod`. */
const isTogether = (stepId: string): boolean => /^\d+\.\d/.test(stepId);

/** Keeps only the last look of each step. How many looks a step needed does not depend on the runtime. */
function lastLooks(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const last = new Map(entries.flatMap((entry) => (entry.kind === 'look' ? [[lookOf(entry), entry]] : [])));
  return entries.filter((entry) => entry.kind !== 'look' || last.get(lookOf(entry)) === entry);
}

/** Removes looks during a background step, because what they see depends on the progress of that step. */
function settledLooks(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const open = new Set<string>();
  return entries.filter((entry) => {
    if (entry.kind === 'step-started') open.add(entry.stepId);
    const inBackground = entry.kind === 'look' && [...open].some((stepId) => stepId !== entry.stepId);
    if (entry.kind === 'step-ended') open.delete(entry.stepId);
    return !inBackground;
  });
}

const lookOf = ({ stepId, node = '' }: { readonly stepId: string; readonly node?: string }): string =>
  `${stepId} ${node}`;

const factOn = ({ node }: ObservedOn, { stepId, text }: Fact): Fact => ({
  stepId,
  text: withoutNames(node === undefined ? text : `${node}: ${text}`),
});

function commandText({ argv, exitCode, signal, stderr, timedOut }: CommandResult): string {
  const end = timedOut ? 'no end' : `exit ${exitCode ?? signal}`;
  if (exitCode === 0) return `${argv.join(' ')}: ${end}`;
  const error = argv[0] === 'crictl' ? unwrapCrictlError(stderr) : undefined;
  return `${argv.join(' ')}: ${end}: ${error?.message ?? stderr.trim()}`;
}

/**
 * Removes items that come and go. The kernel decides when a tracked flow ends. The process of a plugin exists only
 * during its call. The processes of a running container change between two looks, and its root file system is unmounted when it
 * exits. But if there is no shim, a process or mount that stays was left behind.
 */
function lasting(items: readonly StateItem[]): readonly StateItem[] {
  const anyShim = items.some(({ kind }) => kind === 'shim');
  return items.filter(({ kind, name }) => {
    if (kind === 'process') return !anyShim && !isPlugin(name);
    if (kind === 'mount') return !anyShim || !CONTAINER_ID.test(name);
    return kind !== 'conntrack';
  });
}

const CONTAINER_ID = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/;

/** Whether a command line belongs to a plugin, either a program or a script: `/bin/sh /lab/plugins/3/bridge`. */
const isPlugin = (commandLine: string): boolean =>
  commandLine
    .split(' ')
    .some((word) => [CNI_BIN, RECORDED_PLUGINS].some((folder) => word.startsWith(`${folder}/`)));

/**
 * What is random or derived from something random: ids, network namespaces, veth ends, chains of one pod; also the
 * times of crictl.
 */
const RANDOM: readonly (readonly [RegExp, string])[] = [
  [new RegExp(CONTAINER_ID, 'g'), 'ID'],
  [/\bcni-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'cni-NAME'],
  [/(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\btime="\d{4}-[^"]*"/g, 'time="TIME"'],
  [/\bveth[0-9a-f]{8}\b/g, 'vethNAME'],
  [/\bbwp[0-9a-f]{12}\b/g, 'bwpNAME'],
  [/\bKUBE-HP-[A-Z2-7]{16}\b/g, 'KUBE-HP-HASH'], // of host ports that CRI-O sets up, as is the next
  [/\bcomment "[A-Z2-7]{16}"/g, 'comment "HASH"'],
  [/\bCNI-((?:[A-Z]+-)?)[0-9a-f]{21,24}\b/g, 'CNI-$1HASH'],
];

/** A text without what varies between two runs of the same plan. */
export const withoutNames = (text: string): string =>
  RANDOM.reduce((plain, [name, instead]) => plain.replace(name, instead), text);
