import type { JournalEntry } from './observe/observation.ts';
import type { Outcome, Verdict } from './judge/verdict.ts';
import type { RunHead, RunPlan } from './plan/plan.ts';

/** Everything that the lab reports while it works. Reporters use only this union. */
export type LabEvent =
  | {
      readonly kind: 'session-started';
      /** all runs of the session, planned or recorded; later events refer to them by their unique slug */
      readonly runs: readonly RunHead[];
      readonly backend: string;
      readonly jobs: number;
      readonly outputHostPath: string;
    }
  /** work that takes longer than a moment: `what` is its name (containerd 1.6.3), `how` the source and the progress */
  | {
      readonly kind: 'progress';
      readonly what: string;
      readonly how: string;
      readonly done: boolean;
      /** the work waits for other work to end */
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
      /** for each node that was kept: the commands to enter it and to end it */
      readonly kept?: readonly { readonly enter: readonly string[]; readonly end: readonly string[] }[];
      /** all attempts in order, if the run was retried; the other fields are of the attempt that decides */
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
