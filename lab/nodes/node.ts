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
import type { KindCluster, KindClusterOptions } from './kind-cluster.ts';

export interface NodeExecOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** after this time the command and all processes that it started are killed */
  readonly timeoutMs?: number;
}

/** A file, a link or an absence to create on the node. Missing parent directories are created. */
export type NodeFile =
  | (Content & { readonly nodePath: string; readonly mode?: number })
  | { readonly nodePath: string; readonly linkTo: string }
  | {
      readonly nodePath: string;
      readonly remove: true;
      /** reported if it does not exist */ readonly mustExist?: true;
    };

/** A long-running process, such as a runtime. */
export interface NodeProcess {
  readonly pid: number;
  /** fulfilled when the process has ended; never rejected while the node exists */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
  /** Does nothing if the process has already ended. */
  signal(signal: 'TERM' | 'KILL'): Promise<void>;
}

/**
 * Runs commands on a node; all paths are real paths on the node. Everything above the backends uses this interface and
 * does not ask which backend it is. Every method throws LabError if the node itself is gone or does not answer.
 */
export interface LabNode {
  readonly name: string;
  /** If `kill` is aborted, the command and all processes that it started are killed. */
  exec(
    argv: readonly string[],
    options?: NodeExecOptions & { readonly kill?: AbortSignal },
  ): Promise<CommandResult>;
  /** Starts a process that outlives the call. Both of its outputs are appended to the file `logPath` on the node. */
  start(
    argv: readonly string[],
    options: {
      readonly logPath: string;
      readonly env?: Readonly<Record<string, string>>;
      /** If the node has systemd, systemd starts the process, as the service of this name. */
      readonly service?: string;
    },
  ): Promise<NodeProcess>;
  /** Takes over a running process with exactly this command that this lab did not start. */
  adopt(argv: readonly string[]): Promise<NodeProcess>;
  /** The content from byte `offset` on (default 0), as UTF-8. If the file does not exist, throws LabError. */
  readFile(nodePath: string, offset?: number): Promise<string>;
  /** Returns the paths of files that must exist but do not. */
  writeFiles(files: readonly NodeFile[]): Promise<readonly string[]>;
  /**
   * Makes a cached artifact readable on the node and returns the node path of its directory. Repeated calls are cheap.
   */
  provide(artifact: Artifact): Promise<string>;
  /** Sets the runtime of the node, which looks and `runtimeStatus` ask. Before this call there is no runtime to ask. */
  useRuntime(traits: RuntimeTraits): Promise<void>;
  /**
   * From now on records all calls of plugins in /opt/cni/bin, including plugins that are added later, and the names of
   * network namespaces. `programs` are the lab's own programs for nodes. Calls that ended before a command ended are
   * reported before its result.
   */
  record(programs: Artifact, onRecorded: (record: Recorded) => void): Promise<void>;
  /** One look at everything that a pod could leave behind. */
  look(): Promise<NodeState>;
  /** The status that CRI reports, asked over the socket of the runtime. No process is started, so polling is cheap. */
  runtimeStatus(): Promise<RuntimeStatus>;
  usage(): Promise<NodeUsage>;
  /**
   * Simulates a power loss: all processes are killed at once. Network namespaces, links, rules, mounts and everything
   * in memory (/run, /tmp) are gone. The disk and the name stay. No other call is allowed at the same time.
   */
  reboot(): Promise<void>;
}

/** The answers to the CRI calls Version and Status, or why there was no answer. */
export type RuntimeStatus =
  | {
      readonly answered: true;
      readonly runtimeVersion: string;
      readonly runtimeReady: boolean;
      readonly networkReady: boolean;
      /** of the NetworkReady condition; both are empty if the runtime reports nothing */
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
 * Who starts the runtime of a node. `lab`: the lab, after it has prepared the node, itself or by systemd on the node.
 * `node`: something that is already on the node, such as an earlier lab on a saved machine. The lab then adopts the
 * runtime and prepares nothing.
 */
export type RuntimeStarter = 'lab' | 'node';

/** A node that can be ended, or kept for the user. */
export interface RunningNode extends LabNode {
  /** time until the node ran commands */
  readonly startMs: number;
  /** Missing: the lab. */
  readonly runtimeStartedBy?: RuntimeStarter;
  /** The preparation is done. If that makes later starts faster, the node is saved in its current state. */
  savePrepared?(): Promise<void>;
  /** Ends the node and everything in it, and removes what the backend created for it. Safe to call twice. */
  end(): Promise<void>;
  /** From now on the node outlives the lab. Only `end` can still be called on it. */
  keep(): Promise<void>;
}

/** A running node, whoever started it. */
export interface NodeOnHost {
  readonly name: string;
  readonly kept: boolean;
  /** undefined if unknown, for example on a machine with another clock */
  readonly ageMs: number | undefined;
  /**
   * belongs to another directory of nodes, on an engine that several labs use; it is only ended by name, never by
   * `--all`
   */
  readonly elsewhere?: true;
}

/** The terminal of the user, for a command that is run on a node manually. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly error: NodeJS.WriteStream;
  /** Called with the name of each SIGINT, SIGTERM or SIGHUP. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void): void;
}

export interface NodeOptions {
  /** unique on this host; also its host name, and shown by `cnilab ps` */
  readonly name: string;
  /** what the run will `provide`; others can be provided later, but more slowly */
  readonly artifacts: readonly Artifact[];
  /** the limits that the scenario sets; for others the lab has defaults */
  readonly limits?: NodeLimits;
  readonly systemCalls?: SystemCalls;
  /** everything that is done to the node between its start and its first step, as one text */
  readonly preparation?: () => Promise<string>;
}

/** A backend with everything that its nodes are made of. */
export interface NodeMaker {
  /** the lab's own artifacts in its nodes; for the journal */
  readonly artifacts: readonly Artifact[];
  /** Its nodes see the cache directly, so an artifact in the cache needs no copying. */
  readonly seesCache?: true;
  /** The processor of its nodes is emulated, so everything on them is slow. */
  readonly emulated?: boolean;
  /** Starts a node, which is then ready for commands. Throws LabError. */
  start(options: NodeOptions): Promise<RunningNode>;
  /** The network of a group whose nodes are started later. Throws LabError. */
  group(nodes: readonly GroupNode[]): Promise<NodeGroup>;
  /** Starts the nodes of a cluster with kind. Missing: a cluster is a group on which the lab starts Kubernetes. */
  kindCluster?(nodes: readonly GroupNode[], options: KindClusterOptions): Promise<KindCluster>;
  /** Ends nodes that were started ahead and never requested. Nothing is started after this. */
  end(): Promise<void>;
}

export interface PrepareOptions {
  /** from the cache, or added to it */
  readonly own: (name: OwnName) => Promise<Artifact>;
  /** reports work that takes longer than a moment: `what` is its name, `how` its progress */
  readonly progress: (news: { readonly what: string; readonly how: string; readonly done: boolean }) => void;
  /** reports something that a user should know; each message once */
  readonly notice: (message: string) => void;
  readonly signal: AbortSignal;
  /** whether a node may be kept later; then nothing outside the lab may end it when the lab is gone */
  readonly mayBeKept: boolean;
  /** the name of a node that is almost certainly needed; it may be started ahead, before `start` */
  readonly first?: string;
}

export type BackendCheck =
  | {
      readonly works: true;
      /** details for the user: the engine and its version, or that there is no KVM */
      readonly how: string;
      /** the architecture of its nodes, if it can differ from that of this program */
      readonly arch?: Arch;
      /** why its nodes work and cannot be those of a cluster, if that is so here */
      readonly noClusters?: string;
    }
  | { readonly works: false; readonly why: string; readonly waysOut: readonly string[] };

export const BACKENDS = ['bare', 'container', 'vm', 'kind'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** A way to have nodes. One per kind of isolation; see backends/. */
export interface Backend {
  readonly name: BackendName;
  /** the number of parallel nodes per core with the best throughput; a run waits for the kernel half of the time */
  readonly jobsPerCore: number;
  /**
   * How many instances of inotify a node of a cluster takes from the kernel of the host, measured with Kubernetes 1.24; most of
   * them are kubelet's. All nodes share what the kernel gives to one user.
   */
  readonly inotifyPerClusterNode: number;
  /** Whether it works here. If not, why, and what can be done. Cheap; called before anything runs. */
  check(): Promise<BackendCheck>;
  /** Provides what its nodes are made of, once per session. Throws LabError. */
  prepare(options: PrepareOptions): Promise<NodeMaker>;
  /**
   * Removes what is kept between runs outside the cache of the lab to make them faster. Returns a line for each item.
   */
  clear?(): Promise<readonly string[]>;
  /**
   * Removes what killed labs left. Returns one line for each node. Never touches a node that is running, kept, or of a
   * running lab. Nothing to do if the backend does not work. Throws LabError if it may have nodes and does not answer.
   */
  sweep(): Promise<readonly string[]>;
  /**
   * Every running node, kept or of a running lab. Empty if the backend does not work. Throws LabError if it may have nodes
   * and does not answer.
   */
  nodes(): Promise<readonly NodeOnHost[]>;
  /** Ends one of these. Throws LabError if there is none with this name. */
  down(name: string): Promise<void>;
  /** Runs a command, by default a shell, on one of these, on this terminal. Returns its exit code. */
  enter(name: string, argv: readonly string[], terminal: Terminal): Promise<number>;
}

const GIB = 1024 ** 3;
const MOST_MEMORY_BYTES = 4 * GIB;
const PROCESSES = 4096;

/**
 * All limits of a node on a host with this much memory. A node with a few pods needs about 100 MiB and 60 processes.
 */
export function hostLimits(
  { memoryBytes, processes = PROCESSES, tmpfsBytes }: NodeLimits = {},
  hostMemoryBytes = totalmem(),
): Required<NodeLimits> {
  const memory = memoryBytes ?? Math.min(MOST_MEMORY_BYTES, Math.floor(hostMemoryBytes / 2));
  return { memoryBytes: memory, processes, tmpfsBytes: tmpfsBytes ?? Math.floor(memory / 2) };
}
