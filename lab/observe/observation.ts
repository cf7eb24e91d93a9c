import type { NodeState, NodeUsage, RuntimeState } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import type { Recorded } from '../core/recorded.ts';

/**
 * What happened in one run, in the order in which it was seen, free of opinions. One line of journal.jsonl each; the
 * page docs/journal.md describes it. `stepId` is that of PlannedStep; `start` is before the first step, `end` after the last.
 */
export type Observation =
  | {
      readonly kind: 'run-started';
      /** of the journal: a reader refuses what it does not know */
      readonly formatVersion: 3;
      readonly labVersion: string;
      /** ISO 8601 */
      readonly time: string;
      readonly backend: string;
      readonly host: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'artifact';
      readonly name: string;
      readonly version: string;
      readonly source: string;
      readonly key: string;
      readonly madeBy: string;
      readonly note?: string;
    }
  | {
      readonly kind: 'node-ready';
      /** on its host */
      readonly name: string;
      readonly nodeMs: number;
      readonly runtimeMs: number;
      readonly runtimeVersion: string;
      /** `node`: something on it had started the runtime, so that the first lines of the log are older than the run */
      readonly runtimeStartedBy?: 'lab' | 'node';
    }
  | { readonly kind: 'step-started'; readonly stepId: string }
  /** `pod` and `container` say on whose behalf, by the scenario's name for it; `id` is CRI's, where it is known */
  | {
      readonly kind: 'command';
      readonly stepId: string;
      readonly pod?: string;
      readonly container?: string;
      readonly id?: string;
      readonly result: CommandResult;
    }
  /** a value that expectations refer to: `web.id`, `web.ip` */
  | { readonly kind: 'capture'; readonly stepId: string; readonly name: string; readonly value: string }
  | {
      readonly kind: 'waited';
      readonly stepId: string;
      readonly what: string;
      readonly met: boolean;
      /** the lab ended what it asked with, so that nobody knows */
      readonly timedOut: boolean;
      readonly lastSeen: string;
      readonly waitedMs: number;
    }
  /** files that the step wrote, those that it took away, and those that were to be taken away and were not there */
  | {
      readonly kind: 'files';
      readonly stepId: string;
      readonly written: readonly string[];
      readonly removed: readonly string[];
      readonly absent: readonly string[];
    }
  /** the step could not be taken: there was no sandbox to stop, no runtime to ask, nothing that the lab could see */
  | { readonly kind: 'not-run'; readonly stepId: string; readonly why: string }
  /** what the runtime wrote to its log since the last such observation: whole lines, or none */
  | { readonly kind: 'runtime-log'; readonly stepId: string; readonly text: string }
  | {
      readonly kind: 'runtime-ended';
      readonly stepId: string;
      readonly asked: boolean;
      readonly exitCode: number | null;
      readonly signal: string | null;
    }
  | {
      readonly kind: 'look';
      readonly stepId: string;
      readonly state: NodeState;
      /** how the runtime was, once all else had been seen */
      readonly runtime: RuntimeState;
    }
  /** what the recorder on the node saw while the step was under way: plugin calls, names of network namespaces */
  | (Recorded & { readonly stepId: string })
  | { readonly kind: 'step-ended'; readonly stepId: string }
  | { readonly kind: 'usage'; readonly usage: NodeUsage }
  /** the lab or its host could not do its part */
  | { readonly kind: 'lab-failure'; readonly during: string; readonly message: string }
  | { readonly kind: 'cleanup-failure'; readonly what: string; readonly message: string }
  | { readonly kind: 'interrupted'; readonly by: string }
  /** `entries` is how many lines there are, this one too: a journal with others has lost some */
  | { readonly kind: 'run-ended'; readonly entries: number };

/** Of one of several nodes, by the scenario's name for it. */
export type ObservedOn = { readonly node?: string };

/** An observation as it stands in the journal: `atMs` since the run started. */
export type JournalEntry = Observation & ObservedOn & { readonly atMs: number };
