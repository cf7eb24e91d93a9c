import type { StateKind } from '../core/node-state.ts';
import type { Place } from '../spec/diagnostic.ts';

export type Outcome = 'pass' | 'fail' | 'inconclusive';

/** The names of all checks. Controls refer to them, and reports group by them. */
export const CHECKS = [
  'ran', // the run reached its end and every step was executed
  'ok', // a step succeeded, or failed, as expected
  'error', // the exact error
  'output',
  'exit-code',
  'timed-out', // a step has an answer, or runs into its limit, as expected
  'runtime', // the runtime runs, or has ended, as expected
  'network-ready',
  'pod', // state and addresses of a pod
  'container', // state of a container, and how it exited
  'left-behind',
  'log',
  'no-log',
  'calls', // calls of plugins
  'no-calls',
  'call-order',
  'netns', // network namespaces that appeared and disappeared
  'cluster-nodes', // conditions of nodes, as the API server reports them
  'cluster-pods', // how many pods are ready, and on which nodes
  'cluster-events',
  'cleanup', // the node was removed completely
  'control', // the result of a control is the expected one
] as const;
export type CheckName = (typeof CHECKS)[number];

/** The result for one expectation. Passing results are kept too: a run without findings has not passed. */
export interface Finding {
  readonly check: CheckName;
  readonly outcome: Outcome;
  /** It is shown with findings, but does not change the verdict. */
  readonly warning?: true;
  /** `start`, the id of a step, or `end` */
  readonly stepId: string;
  /** the node that it is about, if there are several */
  readonly node?: string;
  /** one line: what was expected and what was observed */
  readonly message: string;
  /** of the expectation in the scenario file */
  readonly place?: Place;
  readonly expected?: string;
  readonly actual?: string;
  /** further lines with details: the difference with its pointer, which step an item appeared in */
  readonly detail?: readonly string[];
  /** items that are left behind but not expected */
  readonly items?: readonly LeftItem[];
  /** what the scenario would contain if the observed result were expected: `error: '…'` */
  readonly paste?: string;
  /** the step that is the cause of this one having nothing to act on, and that has findings itself */
  readonly causedBy?: string;
  /** the last lines of the runtime log that belong to the step */
  readonly log?: readonly string[];
}

/** One thing that a run left behind. */
export interface LeftItem {
  readonly kind: StateKind;
  readonly name: string;
  /** the pod that it belongs to, if known */
  readonly pod?: string;
  /** the step after which it was first seen */
  readonly since?: string;
  /** the step after which it was gone, too late */
  readonly goneBy?: string;
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
}

const SEVERITY: Readonly<Record<Outcome, number>> = { pass: 0, inconclusive: 1, fail: 2 };

/**
 * Fail is worse than inconclusive, and inconclusive is worse than pass. The result for an empty list is inconclusive.
 */
export function worst(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.length === 0) return 'inconclusive';
  return outcomes.reduce((a, b) => (SEVERITY[b] > SEVERITY[a] ? b : a));
}
