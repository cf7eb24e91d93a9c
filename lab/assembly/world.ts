import type { Clock } from '../core/ports.ts';
import type { Terminal } from '../nodes/node.ts';
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
  readonly out: Screen;
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
