import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';
import { lastSubjects, type LookAt } from './judge.ts';
import { containersMayChange } from './containers.ts';
import { isBeyond, restsOnTransient } from './left-behind.ts';
import { judgeLog } from './log.ts';
import { networkMayChange } from './network.ts';
import { judgePods } from './pods.ts';
import type { Subject } from './check.ts';

/** Whether what was seen last may still change into what is expected, or away from it. */
export function settlingOf(
  run: RunPlan,
  entries: readonly JournalEntry[],
  at: LookAt,
): 'settled' | 'beyond' | 'unsure' {
  return worstOf(lastSubjects(run, entries, at));
}

/**
 * Whether this step has expectations whose result can change with time. For most steps it has none, so settlingOf is
 * not needed.
 */
export function mayHaveToSettle({ steps, nodes }: RunPlan, stepId: string): boolean {
  const expected = [
    ...steps.filter(({ id, within }) => id === stepId || within === stepId).map(({ expect }) => expect),
    ...(stepId === 'end' || stepId === steps.at(-1)?.id ? nodes.flatMap(({ end }) => end ?? []) : []),
  ];
  return expected.some(
    ({ log, leftBehind, networkReady, pod, pods, container, containers }) =>
      log.length > 0 ||
      [leftBehind, networkReady, pod, pods, container, containers].some((one) => one !== undefined),
  );
}

/**
 * Considers what is left behind, pods and containers that should be gone or have exited, the network condition, and
 * lines that should be in the log.
 */
export function worstOf(subjects: readonly Subject[]): 'settled' | 'beyond' | 'unsure' {
  const network = subjects.map(networkMayChange);
  if (network.includes('into')) return 'beyond';
  const beyond = [isBeyond, podsAreBeyond, containersMayChange, logMayGrow];
  if (subjects.some((subject) => beyond.some((is) => is(subject)))) return 'beyond';
  return network.includes('out of') || subjects.some(restsOnTransient) ? 'unsure' : 'settled';
}

/** A busy runtime may log a line a moment after it has done what the line says. */
const logMayGrow = (subject: Subject): boolean =>
  judgeLog(subject).findings.some(({ outcome }) => outcome === 'fail');

function podsAreBeyond(subject: Subject): boolean {
  const { pod, pods } = subject.expect;
  const wanted = [
    ...(pod === undefined ? [] : [pod]),
    ...(typeof pods === 'object' ? Object.values(pods) : []),
  ];
  const mayGo = pods === 'none' || wanted.some(({ state }) => state === 'absent' || state === 'not-ready');
  return mayGo && judgePods(subject).some(({ outcome }) => outcome === 'fail');
}
