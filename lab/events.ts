import type { JournalEntry } from './observe/observation.ts';
import type { Outcome, Verdict } from './judge/verdict.ts';
import type { RunHead, RunPlan } from './plan/plan.ts';

/** Everything the lab can say while it works. Reporters are written against this union and nothing else. */
export type LabEvent =
  | {
      readonly kind: 'session-started';
      /** all that will run, or that is recorded; each has a slug of its own, by which later events name it */
      readonly runs: readonly RunHead[];
      readonly backend: string;
      readonly jobs: number;
      readonly outputHostPath: string;
    }
  /** something that takes longer than a moment: `what` names it (containerd 1.6.3), `how` says which source and how far */
  | {
      readonly kind: 'progress';
      readonly what: string;
      readonly how: string;
      readonly done: boolean;
      /** nothing is done for it until others have ended */
      readonly waiting?: true;
    }
  | { readonly kind: 'run-started'; readonly run: RunPlan; readonly outputHostPath: string }
  | { readonly kind: 'observed'; readonly run: RunPlan; readonly entry: JournalEntry }
  | {
      readonly kind: 'run-ended';
      readonly run: RunPlan;
      readonly verdict: Verdict;
      readonly entries: readonly JournalEntry[];
      readonly durationMs: number;
      readonly outputHostPath: string;
      /** where the nodes were kept: for each how to enter it and how to end it */
      readonly kept?: readonly { readonly enter: readonly string[]; readonly end: readonly string[] }[];
      /** all of them in their order, where the run was retried; the rest of the event is the one that decides */
      readonly attempts?: readonly Attempt[];
    }
  | { readonly kind: 'interrupted'; readonly by: string }
  | { readonly kind: 'notice'; readonly message: string }
  | {
      readonly kind: 'session-ended';
      readonly outcome: Outcome;
      readonly durationMs: number;
      readonly outputHostPath: string;
    };

export type RunEnded = Extract<LabEvent, { readonly kind: 'run-ended' }>;

/** One of several attempts at a run. */
export type Attempt = Pick<RunEnded, 'verdict' | 'durationMs' | 'outputHostPath'>;
