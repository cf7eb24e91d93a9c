import type { Artifact } from '../artifacts/artifact.ts';
import type { NodeState, NodeUsage } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';

export interface NodeExecOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** the command and all it started are killed after this */
  readonly timeoutMs?: number;
}

/** A file, a link or an absence to bring about on the node; missing parent folders are made. */
export type NodeFile =
  | { readonly nodePath: string; readonly content: string; readonly mode?: number }
  | { readonly nodePath: string; readonly linkTo: string }
  | { readonly nodePath: string; readonly remove: true };

/** A process that the lab started and that goes on: containerd. */
export interface NodeProcess {
  readonly pid: number;
  /** fulfilled when the process has ended, and never rejected while the node lives */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
  /** A no-op when the process has ended already. */
  signal(signal: 'TERM' | 'KILL'): Promise<void>;
}

/**
 * A thing that runs commands, with the real paths inside. Everything above the backends is written against this and does
 * not ask which backend it is on. Every method throws LabError when the node itself is gone or does not answer.
 */
export interface LabNode {
  readonly name: string;
  exec(argv: readonly string[], options?: NodeExecOptions): Promise<CommandResult>;
  /** Starts a process that outlives the call; both its outputs are appended to the file `logPath` on the node. */
  start(
    argv: readonly string[],
    options: { readonly logPath: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<NodeProcess>;
  /** The content from byte `offset` on (default 0), UTF-8. A file that is not there is a LabError. */
  readFile(nodePath: string, offset?: number): Promise<string>;
  writeFiles(files: readonly NodeFile[]): Promise<void>;
  /** Makes a cached artifact readable on the node and returns the node path of its folder. Cheap when repeated. */
  provide(artifact: Artifact): Promise<string>;
  /** One look at everything a pod could leave behind. */
  look(): Promise<NodeState>;
  /** CRI's own status, asked over containerd's socket: not an exec, so that waiting for it costs nothing. */
  runtimeStatus(): Promise<RuntimeStatus>;
  usage(): Promise<NodeUsage>;
}

/** What CRI's Version and Status calls say, or that they did not answer. */
export type RuntimeStatus =
  | {
      readonly answered: true;
      readonly runtimeVersion: string;
      readonly runtimeReady: boolean;
      readonly networkReady: boolean;
      /** the message of the NetworkReady condition */
      readonly networkMessage: string;
    }
  | { readonly answered: false; readonly why: string };

export interface NodeOptions {
  /** unique on this host: also the name of its cgroup, its hostname, and what `cnilab ps` shows */
  readonly name: string;
  /** laid below / before anything runs: iptables and its libraries, where the host has none */
  readonly layers: readonly Artifact[];
  /** the programs of ours that run on a node */
  readonly nodeTools: Artifact;
}

/** How a node is to be taken down, or left for the user. */
export interface RunningNode extends LabNode {
  /** Ends the node and all in it, and removes what the backend made for it. Safe to call twice. */
  end(): Promise<void>;
  /** From now on the node outlives the lab, and only `end` still works on it from here. */
  keep(): Promise<NodeOnHost>;
}

/** A node that is up on this host, whoever started it. */
export interface NodeOnHost {
  readonly name: string;
  readonly kept: boolean;
  readonly createdMs: number;
  /** the command that enters it */
  readonly enter: readonly string[];
  /** the command that runs another one on it, on this terminal */
  run(argv: readonly string[]): readonly string[];
  /** the command that ends it */
  readonly end: readonly string[];
}

/** A way to have nodes. One per kind of isolation; see backends/. */
export interface Backend {
  readonly name: 'bare' | 'container' | 'vm';
  /** Whether it works here; if not, why, and each way out. Costs little, is asked before anything runs. */
  check(): Promise<
    | { readonly works: true }
    | { readonly works: false; readonly why: string; readonly waysOut: readonly string[] }
  >;
  /** The node, ready for commands. Throws LabError. */
  start(options: NodeOptions): Promise<RunningNode>;
  /** Removes what killed labs left; one line for each node. Never touches a node that is up, kept or of a running lab. */
  sweep(): Promise<readonly string[]>;
  /** Every node that is up, kept or of a lab that runs. */
  nodes(): Promise<readonly NodeOnHost[]>;
  /** Ends one of these. LabError when there is none of this name. */
  down(name: string): Promise<void>;
}
