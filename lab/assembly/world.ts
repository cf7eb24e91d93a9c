import type { Clock } from '../core/ports.ts';
import type { Terminal, BackendName } from '../nodes/node.ts';
import type { Shard } from '../plan/shard.ts';
import type { Screen } from '../report/reporter.ts';

/** The ambient world, read in assembly/ambient.ts and handed down as values. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  /** as Go, OCI and release files name it */
  readonly arch: 'amd64' | 'arm64' | 'other';
  /** of the effective user; undefined where there is no such thing */
  readonly uid: number | undefined;
  readonly cores: number;
  /** what this process may still use, limits of its cgroup included */
  readonly freeMemoryBytes: () => number;
  readonly out: Screen;
  /** Writes to standard output what the runner of GitHub is to take for a command; `out` writes nothing like that. */
  readonly writeCommand: (text: string) => void;
  readonly err: Screen;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** the package itself: its scenarios, its images */
  readonly packageHostPath: string;
  readonly cacheHostPath: string;
  /** the records of nodes: labs with another such folder may share the cache, and leave these nodes alone */
  readonly stateHostPath: string;
  readonly labVersion: string;
  /** short, and different each time */
  randomId(): string;
  /** Called with each reason to take everything down and end. */
  onStop(listener: (reason: StopReason) => void): void;
  /** Ends the process at once; whatever holds its streams ends with it. */
  exitNow(code: number): never;
}

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Why a command is to end before its work is done. */
export type StopReason = Signal | 'broken-output' | 'bug';

/** Every flag of the commands that make nodes; see `cnilab run --help` for what each is for. */
export interface NodeFlags {
  readonly containerd?: readonly string[];
  readonly crio?: readonly string[];
  readonly runc?: string;
  readonly cniPlugins?: string;
  readonly crictl?: string;
  readonly set?: readonly string[];
  readonly backend: 'auto' | BackendName;
  /** the image that container nodes start from */
  readonly base?: string;
  /** of virtual machines */
  readonly kernel?: string;
  readonly offline?: true;
  readonly sources?: string;
  readonly mirror?: string;
  /** `--record` and `--no-record`: whatever the scenario says */
  readonly record?: boolean;
}

/** Which part of a plan is for this machine. */
export interface ShardFlags {
  readonly shard?: Shard;
  /** a JSON report of earlier runs, by which the shards are made equally long */
  readonly durations?: string;
}

/** Which runs of a plan are wanted, and how often. */
export interface SelectFlags {
  readonly lastFailed?: true;
  /** a revision of git */
  readonly onlyChanged?: string;
  readonly grep?: string;
  readonly grepInvert?: string;
  readonly repeat?: number;
}

/** When a run is repeated because it did not pass, and when a session ends before its plan does. */
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
  /** write what was measured into the scenario files */
  readonly update?: true;
  /** without being asked */
  readonly yes?: true;
  readonly keep?: true;
  readonly reporter?: readonly string[];
  readonly output: string;
  readonly timeout?: number;
  readonly verbose?: true;
}

export type SourceFlags = Pick<NodeFlags, 'kernel' | 'offline' | 'sources' | 'mirror'>;

export type BackendFlags = Pick<NodeFlags, 'backend' | 'base' | 'kernel'>;
