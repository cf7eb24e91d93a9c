import type { Clock } from '../core/ports.ts';
import type { Terminal, BackendName } from '../nodes/node.ts';
import type { Shard } from '../plan/shard.ts';
import type { Screen } from '../report/reporter.ts';

/** The environment of the process, read in assembly/ambient.ts and passed down as values. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  /** with the names that Go, OCI and release files use */
  readonly arch: 'amd64' | 'arm64' | 'other';
  /** of the effective user; undefined if the platform has no user ids */
  readonly uid: number | undefined;
  readonly cores: number;
  /** the memory that this process can still use, including the limits of its cgroup */
  readonly freeMemoryBytes: () => number;
  readonly out: Screen;
  /** Writes to standard output what the runner of GitHub is to take for a command; `out` writes nothing like that. */
  readonly writeCommand: (text: string) => void;
  readonly err: Screen;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** the directory of the package, with its scenarios and images */
  readonly packageHostPath: string;
  readonly cacheHostPath: string;
  /** the records of nodes; labs with another directory may share the cache, and do not touch these nodes */
  readonly stateHostPath: string;
  readonly labVersion: string;
  /** short, and different each time */
  randomId(): string;
  /** Called with each reason to end all nodes and exit. */
  onStop(listener: (reason: StopReason) => void): void;
  /** Ends the process immediately. Processes that depend on its streams end too. */
  exitNow(code: number): never;
}

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Why a command must end before its work is done. */
export type StopReason = Signal | 'broken-output' | 'bug';

/** Every flag of the commands that create nodes; see `cnilab run --help` for the meaning of each. */
export interface NodeFlags {
  readonly containerd?: readonly string[];
  readonly crio?: readonly string[];
  readonly runc?: string;
  readonly cniPlugins?: string;
  readonly crictl?: string;
  readonly kubernetes?: readonly string[];
  readonly set?: readonly string[];
  readonly backend: 'auto' | BackendName;
  /** the base image of container nodes */
  readonly base?: string;
  /** of virtual machines */
  readonly kernel?: string;
  /** what makes the clusters of --backend kind: a version, or local:PATH */
  readonly kind?: string;
  readonly offline?: true;
  readonly sources?: string;
  readonly mirror?: string;
  /** `--record` and `--no-record`; overrides the scenario */
  readonly record?: boolean;
}

/** Which part of a plan is for this machine. */
export interface ShardFlags {
  readonly shard?: Shard;
  /** a JSON report of earlier runs; its durations are used to make the shards equally long */
  readonly durations?: string;
}

/** Which runs of a plan are selected, by their files and titles. */
export interface TitleFlags {
  /** a git revision */
  readonly onlyChanged?: string;
  readonly grep?: string;
  readonly grepInvert?: string;
}

/** Which runs of a plan are selected, and how often they are repeated. */
export interface SelectFlags extends TitleFlags {
  readonly lastFailed?: true;
  readonly repeat?: number;
}

/** When a run is repeated because it did not pass, and when a session ends before the end of its plan. */
export interface StopFlags {
  readonly retries?: number;
  readonly failOnFlaky?: true;
  readonly maxFailures?: number;
  /** at the first run that does not pass */
  readonly bail?: true;
  /** again after each change of a file */
  readonly watch?: true;
}

export interface RunFlags extends NodeFlags, ShardFlags, SelectFlags, StopFlags {
  readonly jobs?: number;
  readonly all?: true;
  /** write the measured results into the scenario files */
  readonly update?: true;
  /** without asking the user */
  readonly yes?: true;
  readonly keep?: true;
  readonly reporter?: readonly string[];
  readonly output: string;
  readonly timeout?: number;
  readonly verbose?: true;
}

export type SourceFlags = Pick<NodeFlags, 'kernel' | 'offline' | 'sources' | 'mirror'>;

export type BackendFlags = Pick<NodeFlags, 'backend' | 'base' | 'kernel' | 'kind'>;
