import type { StateKind } from '../core/node-state.ts';
import type { Place } from '../spec/diagnostic.ts';

export type Outcome = 'pass' | 'fail' | 'inconclusive';

/** The names of all checks: what a control names, and what reports group by. */
export const CHECKS = [
  'ran', // the run came to its end and every step was taken
  'ok', // a step succeeded, or failed, as expected
  'error', // the exact error
  'output',
  'exit-code',
  'timed-out', // a step has an answer, or runs into its limit, as expected
  'runtime', // it runs, or has ended, as expected
  'network-ready',
  'pod', // state and addresses of a pod
  'container', // state of a container, and how it exited
  'left-behind',
  'log',
  'no-log',
  'calls', // of plugins
  'no-calls',
  'call-order',
  'netns', // namespaces that came and went
  'cleanup', // the node was taken down
  'control', // a control came out as it must
] as const;
export type CheckName = (typeof CHECKS)[number];

/** One answer to one expectation. Passing ones are kept too: no findings is not a pass. */
export interface Finding {
  readonly check: CheckName;
  readonly outcome: Outcome;
  /** It is shown with findings, but decides nothing. */
  readonly warning?: true;
  /** `start`, a step's id, or `end` */
  readonly stepId: string;
  /** the node that it is about, where there are several */
  readonly node?: string;
  /** one line: what was wanted, what came instead */
  readonly message: string;
  /** of the expectation in the scenario file */
  readonly place?: Place;
  readonly expected?: string;
  readonly actual?: string;
  /** further lines that help: the difference with its pointer, what appeared in which step */
  readonly detail?: readonly string[];
  /** what is left behind and not as expected */
  readonly items?: readonly LeftItem[];
  /** what would stand in the scenario if what came were expected: `error: '…'` */
  readonly paste?: string;
  /** the step that left this one nothing to act on, and that has findings of its own */
  readonly causedBy?: string;
  /** the last lines of the runtime's log that belong to the step */
  readonly log?: readonly string[];
}

/** One thing that a run left behind. */
export interface LeftItem {
  readonly kind: StateKind;
  readonly name: string;
  /** the pod that it belongs to, if that is known */
  readonly pod?: string;
  /** the step after which it was seen first */
  readonly since?: string;
  /** the step after which it was gone, too late */
  readonly goneBy?: string;
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
}

const SEVERITY: Readonly<Record<Outcome, number>> = { pass: 0, inconclusive: 1, fail: 2 };

/** A failure outranks not knowing, and not knowing outranks a pass. Nothing at all is not knowing. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.length === 0) return 'inconclusive';
  return outcomes.reduce((a, b) => (SEVERITY[b] > SEVERITY[a] ? b : a));
}
