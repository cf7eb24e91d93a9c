import type { NodeState } from '../core/node-state.ts';
import type { Expectation } from '../spec/scenario.ts';
import type { Bindings } from '../match/bindings.ts';
import type { RunFacts } from './facts.ts';
import type { Finding } from './verdict.ts';

/** What expectations are held against: one step, or the whole run at its end. */
export interface Subject {
  /** a step's id, or `end` */
  readonly stepId: string;
  readonly expect: Expectation;
  /** the state of the node then */
  readonly state: NodeState | undefined;
  /** the runtime's log that belongs to it; undefined where no log could be collected */
  readonly log: string | undefined;
  /** the pod that a step is about */
  readonly pod: string | undefined;
  readonly facts: RunFacts;
  readonly bindings: Bindings;
}

/** Findings, and what the texts that matched have bound. */
export interface Judged {
  readonly findings: readonly Finding[];
  readonly bindings: Bindings;
}
