import type { ClusterLook } from '../core/cluster-state.ts';
import type { NodeState, NodeUsage, RuntimeState } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import type { Recorded } from '../core/recorded.ts';

/**
 * What happened in one run, in the order in which it was seen, without any judgement. Each observation is one line of
 * journal.jsonl; see docs/journal.md. `stepId` is that of PlannedStep. `start` is before the first step, `end` after
 * the last.
 */
export type Observation =
  | {
      readonly kind: 'run-started';
      /** of the journal; a reader rejects a version that it does not know */
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
      /** the name on its host */
      readonly name: string;
      readonly nodeMs: number;
      readonly runtimeMs: number;
      readonly runtimeVersion: string;
      /**
       * `node`: something on the node had already started the runtime, so the first lines of the log are older than the
       * run
       */
      readonly runtimeStartedBy?: 'lab' | 'node';
    }
  /** a part of a cluster is up: certificates, the API server, the nodes; and what that took */
  | { readonly kind: 'cluster-part'; readonly part: string; readonly ms: number }
  /** what the API server said of the cluster after a step; `start` before the first */
  | { readonly kind: 'cluster-look'; readonly stepId: string; readonly cluster: ClusterLook }
  | { readonly kind: 'step-started'; readonly stepId: string }
  /** `pod` and `container` are the names in the scenario of what the command was for; `id` is that of CRI, if known */
  | {
      readonly kind: 'command';
      readonly stepId: string;
      readonly pod?: string;
      readonly container?: string;
      readonly id?: string;
      readonly result: CommandResult;
    }
  /** a value that expectations can use: `web.id`, `web.ip` */
  | { readonly kind: 'capture'; readonly stepId: string; readonly name: string; readonly value: string }
  | {
      readonly kind: 'waited';
      readonly stepId: string;
      readonly what: string;
      readonly met: boolean;
      /** the lab stopped its own query, so the answer is unknown */
      readonly timedOut: boolean;
      readonly lastSeen: string;
      readonly waitedMs: number;
    }
  /** files that the step wrote, files that it removed, and files that it should have removed but did not exist */
  | {
      readonly kind: 'files';
      readonly stepId: string;
      readonly written: readonly string[];
      readonly removed: readonly string[];
      readonly absent: readonly string[];
    }
  /**
   * the step could not be executed: for example, there was no sandbox to stop, no runtime to ask, or the lab could not
   * see what it needed
   */
  | {
      readonly kind: 'not-run';
      readonly stepId: string;
      readonly why: string;
      /** the lab lacked something, so nothing was tried; missing: there was nothing to act on */
      readonly untried?: boolean;
    }
  /** what the runtime wrote to its log since the last such observation: complete lines, or nothing */
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
      /** the state of the runtime after everything else was observed */
      readonly runtime: RuntimeState;
    }
  /** what the recorder on the node saw during the step: plugin calls, names of network namespaces */
  | (Recorded & { readonly stepId: string })
  | { readonly kind: 'step-ended'; readonly stepId: string }
  | { readonly kind: 'usage'; readonly usage: NodeUsage }
  /** the lab or its host could not do its part */
  | { readonly kind: 'lab-failure'; readonly during: string; readonly message: string }
  | { readonly kind: 'cleanup-failure'; readonly what: string; readonly message: string }
  | { readonly kind: 'interrupted'; readonly by: string }
  /** `entries` is the number of lines including this one; a journal with another number has lost lines */
  | { readonly kind: 'run-ended'; readonly entries: number };

/** The name of the node in the scenario, if there are several nodes. */
export type ObservedOn = { readonly node?: string };

/** An observation as it is stored in the journal. `atMs`: milliseconds since the run started. */
export type JournalEntry = Observation & ObservedOn & { readonly atMs: number };
