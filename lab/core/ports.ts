/** The few things that the lab asks of the machine it runs on. Real ones live in host/, fakes in test/rig/. */

/** What a command did. A non-zero exit is a value, not an exception. */
export interface CommandResult {
  readonly argv: readonly string[];
  /** null when a signal ended it */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** bytes that are not UTF-8 are as content.ts has them */
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
  /** true when the lab ended the command because `timeoutMs` had passed */
  readonly timedOut: boolean;
  /** a step killed it while it was running */
  readonly killed?: true;
}

export interface ExecOptions {
  readonly stdin?: string;
  /** added to the environment of the command */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** the command and all it started are killed after this; no limit without it */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs an argv array, never a shell string. Throws LabError only if the command could not be started at all. */
export type Exec = (argv: readonly string[], options?: ExecOptions) => Promise<CommandResult>;

export interface Clock {
  /** milliseconds on a clock that nobody sets: of use only for what two readings differ by */
  now(): number;
  /** the time of day, which may be set back or ahead at any moment */
  date(): Date;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
