/**
 * What the lab needs from the machine that it runs on. The real implementations are in host/, the fakes in test/rig/.
 */

/** The result of a command. A non-zero exit code is a value, not an exception. */
export interface CommandResult {
  readonly argv: readonly string[];
  /** null if a signal ended it */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** bytes that are not UTF-8 are represented as content.ts describes */
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
  /** true if the lab ended the command because `timeoutMs` had passed */
  readonly timedOut: boolean;
  /** a step killed the command while it was running */
  readonly killed?: true;
}

export interface ExecOptions {
  readonly stdin?: string;
  /** added to the environment of the command */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** after this time the command and all processes that it started are killed; without it there is no limit */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs an argv array, never a shell string. Throws LabError only if the command could not be started. */
export type Exec = (argv: readonly string[], options?: ExecOptions) => Promise<CommandResult>;

export interface Clock {
  /** milliseconds of a monotonic clock; only the difference of two readings is meaningful */
  now(): number;
  /** the time of day, which can be set back or forward at any time */
  date(): Date;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
