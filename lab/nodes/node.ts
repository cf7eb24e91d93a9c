import { totalmem } from 'node:os';

import type { Artifact } from '../artifacts/artifact.ts';
import type { OwnName } from '../artifacts/artifacts.ts';
import type { Content } from '../core/content.ts';
import type { NetworkCondition, NodeLimits, NodeState, NodeUsage, SystemCalls } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import type { Recorded } from '../core/recorded.ts';
import type { RuntimeTraits } from '../core/runtime.ts';
import type { Arch } from '../core/components.ts';
import type { GroupNode, NodeGroup } from './group.ts';

export interface NodeExecOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** the command and all it started are killed after this */
  readonly timeoutMs?: number;
}

/** A file, a link or an absence to bring about on the node; missing parent folders are made. */
export type NodeFile =
  | (Content & { readonly nodePath: string; readonly mode?: number })
  | { readonly nodePath: string; readonly linkTo: string }
  | {
      readonly nodePath: string;
      readonly remove: true;
      /** is reported where it is not there */ readonly mustExist?: true;
    };

/** A process that was started to stay: a runtime. */
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
  /** With `kill`, the command and all it started are killed when that is aborted. */
  exec(
    argv: readonly string[],
    options?: NodeExecOptions & { readonly kill?: AbortSignal },
  ): Promise<CommandResult>;
  /** Starts a process that outlives the call; both its outputs are appended to the file `logPath` on the node. */
  start(
    argv: readonly string[],
    options: { readonly logPath: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<NodeProcess>;
  /** Takes over a process that was started with this very command, and not by this lab. */
  adopt(argv: readonly string[]): Promise<NodeProcess>;
  /** The content from byte `offset` on (default 0), UTF-8. A file that is not there is a LabError. */
  readFile(nodePath: string, offset?: number): Promise<string>;
  /** Returns the paths of those that must exist and do not. */
  writeFiles(files: readonly NodeFile[]): Promise<readonly string[]>;
  /** Makes a cached artifact readable on the node and returns the node path of its folder. Cheap when repeated. */
  provide(artifact: Artifact): Promise<string>;
  /** Says which runtime the node has: looks and `runtimeStatus` ask that one. Before it there is none to ask. */
  useRuntime(traits: RuntimeTraits): Promise<void>;
  /**
   * Records all calls of plugins in /opt/cni/bin from now on, also of those that are put there later, and the names of network
   * namespaces. `programs` are the lab's own for nodes. What ended before a command did is told before its result.
   */
  record(programs: Artifact, onRecorded: (record: Recorded) => void): Promise<void>;
  /** One look at everything a pod could leave behind. */
  look(): Promise<NodeState>;
  /** CRI's own status, asked over the runtime's socket: not an exec, so that waiting for it costs nothing. */
  runtimeStatus(): Promise<RuntimeStatus>;
  usage(): Promise<NodeUsage>;
  /**
   * What a power loss does: all processes are killed at once, and network namespaces, links, rules, mounts and what is in memory
   * (/run, /tmp) are gone. The disk stays, and so does the name. Nothing else may be asked meanwhile.
   */
  reboot(): Promise<void>;
}

/** What CRI's Version and Status calls say, or that they did not answer. */
export type RuntimeStatus =
  | {
      readonly answered: true;
      readonly runtimeVersion: string;
      readonly runtimeReady: boolean;
      readonly networkReady: boolean;
      /** of the NetworkReady condition; both are empty where a runtime says nothing */
      readonly networkReason: string;
      readonly networkMessage: string;
    }
  | { readonly answered: false; readonly why: string };

export const networkOf = ({
  networkReady: ready,
  networkReason: reason,
  networkMessage: message,
}: Extract<RuntimeStatus, { answered: true }>): NetworkCondition => ({ ready, reason, message });

/**
 * Who starts the runtime of a node: the lab, once it has prepared the node; or something that is on the node already, as an
 * earlier lab was on a saved machine, and as systemd would be. The lab adopts that one, and prepares nothing.
 */
export type RuntimeStarter = 'lab' | 'node';

/** How a node is to be taken down, or left for the user. */
export interface RunningNode extends LabNode {
  /** what it took from nothing to a node that runs commands */
  readonly startMs: number;
  /** Missing: the lab. */
  readonly runtimeStartedBy?: RuntimeStarter;
  /** The preparation is done: where that makes others start sooner, the node is saved for them as it is now. */
  savePrepared?(): Promise<void>;
  /** Ends the node and all in it, and removes what the backend made for it. Safe to call twice. */
  end(): Promise<void>;
  /** From now on the node outlives the lab, and only `end` still works on it from here. */
  keep(): Promise<void>;
}

/** A node that is up, whoever started it. */
export interface NodeOnHost {
  readonly name: string;
  readonly kept: boolean;
  /** undefined where that is not known, as of a machine with another clock */
  readonly ageMs: number | undefined;
  /** of another folder of nodes, on an engine that more than one lab uses: ended by its name alone, never with `--all` */
  readonly elsewhere?: true;
}

/** The user's terminal, for a command run on a node by hand. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly error: NodeJS.WriteStream;
  /** Called with the name of each SIGINT, SIGTERM or SIGHUP. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void): void;
}

export interface NodeOptions {
  /** unique on this host: also its hostname, and what `cnilab ps` shows */
  readonly name: string;
  /** what the run is going to `provide`; others can still be provided, at a price */
  readonly artifacts: readonly Artifact[];
  /** where the scenario says some; what it does not say is the lab's default */
  readonly limits?: NodeLimits;
  readonly systemCalls?: SystemCalls;
  /** all that is done to the node after its start and before its first step, as one text */
  readonly preparation?: () => Promise<string>;
}

/** A backend that has all its nodes are made of. */
export interface NodeMaker {
  /** what that is, of the lab's own artifacts; for the journal */
  readonly artifacts: readonly Artifact[];
  /** Its nodes see the whole cache as it is: what is in there is on each of them at no cost. */
  readonly seesCache?: true;
  /** Its nodes have no processor of their own: all in them is slow. */
  readonly emulated?: boolean;
  /** The node, ready for commands. Throws LabError. */
  start(options: NodeOptions): Promise<RunningNode>;
  /** The network of a group, of which the nodes are still to be started. Throws LabError. */
  group(nodes: readonly GroupNode[]): Promise<NodeGroup>;
  /** Takes down what was made ahead and never asked for. Nothing is started after this. */
  end(): Promise<void>;
}

export interface PrepareOptions {
  /** from the cache, or brought into it */
  readonly own: (name: OwnName) => Promise<Artifact>;
  /** something that takes longer than a moment: `what` names it, `how` says how far it is */
  readonly progress: (news: { readonly what: string; readonly how: string; readonly done: boolean }) => void;
  /** something that a user should know, once */
  readonly notice: (message: string) => void;
  readonly signal: AbortSignal;
  /** whether a node may yet be kept: then nothing outside may be asked to end it when the lab is gone */
  readonly mayBeKept: boolean;
  /** the name of a node that is as good as certain to be wanted: it may be begun at once, ahead of its `start` */
  readonly first?: string;
}

export type BackendCheck =
  | {
      readonly works: true;
      /** what a user may want to know of it: the engine and its version, that there is no KVM */
      readonly how: string;
      /** the architecture of its nodes, where it may be another than this program's */
      readonly arch?: Arch;
    }
  | { readonly works: false; readonly why: string; readonly waysOut: readonly string[] };

export const BACKENDS = ['bare', 'container', 'vm'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Those on whose nodes a kubelet runs. */
export const CLUSTER_BACKENDS: readonly BackendName[] = ['bare'];

/** A way to have nodes. One per kind of isolation; see backends/. */
export interface Backend {
  readonly name: BackendName;
  /** how many nodes at a time get most done on a core: a run waits for the kernel half of its time */
  readonly jobsPerCore: number;
  /** Whether it works here; if not, why, and each way out. Costs little, is asked before anything runs. */
  check(): Promise<BackendCheck>;
  /** Brings what its nodes are made of, once for a session. Throws LabError. */
  prepare(options: PrepareOptions): Promise<NodeMaker>;
  /** Removes what is kept between runs elsewhere than in the lab's cache, so that they are quick; a line for each thing. */
  clear?(): Promise<readonly string[]>;
  /** Removes what killed labs left; one line for each node. Never touches a node that is up, kept or of a running lab. */
  sweep(): Promise<readonly string[]>;
  /** Every node that is up, kept or of a lab that runs; none where the backend does not work. */
  nodes(): Promise<readonly NodeOnHost[]>;
  /** Ends one of these. LabError when there is none of this name. */
  down(name: string): Promise<void>;
  /** Runs a command on one of these, on this terminal; by default a shell. Its exit code. */
  enter(name: string, argv: readonly string[], terminal: Terminal): Promise<number>;
}

const GIB = 1024 ** 3;
const MOST_MEMORY_BYTES = 4 * GIB;
const PROCESSES = 4096;

/** All limits of a node on a host with so much memory: a node with a few pods takes some 100 MiB and 60 processes. */
export function hostLimits(
  { memoryBytes, processes = PROCESSES, tmpfsBytes }: NodeLimits = {},
  hostMemoryBytes = totalmem(),
): Required<NodeLimits> {
  const memory = memoryBytes ?? Math.min(MOST_MEMORY_BYTES, Math.floor(hostMemoryBytes / 2));
  return { memoryBytes: memory, processes, tmpfsBytes: tmpfsBytes ?? Math.floor(memory / 2) };
}
