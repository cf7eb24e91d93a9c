/**
 * A value, or the reason why there is none. Used for mistakes in some input. For problems of the lab itself, see
 * LabError.
 */
export type Result<T, E> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });

/** Ends a `switch` over a union. A missing case is a compile error. A value that does not match its type throws. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}

/**
 * The lab or its host could not do its part: a source is unreachable, a node did not start, a look failed. The result
 * is inconclusive, exit code 69. It says nothing about the system under test.
 */
export class LabError extends Error {
  override readonly name = 'LabError';
}

/** A command was not started: the program does not exist or is not executable. What it would have done is unknown. */
export class CannotStart extends LabError {}

/** Bad input that is not in a scenario file: a flag, a version that does not exist. Exit code 2; nothing was run. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** The message of a thrown value with its causes, outermost first, on one line. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${messageOf(thrown.cause)}`;
}

/**
 * The message of an error, with what to do about it where the host is the cause. Nodes may have more files open than any
 * program on them needs, but they share the instances of inotify that the kernel of the host gives to one user.
 */
export function advise(message: string): string {
  if (!/too many open files/i.test(message)) return message;
  return `${message}; the host has no instance of inotify left: raise fs.inotify.max_user_instances, or run fewer nodes at a time (--jobs)`;
}

/** One clean-up action that failed: what it was for, and why it failed. */
export interface CleanupFailure {
  readonly what: string;
  readonly message: string;
}

/** The first call does the work, and all calls have its result. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}

/**
 * Runs clean-up actions in reverse order of registration. Register the clean-up before the action itself. A clean-up
 * must accept that there is nothing to clean up.
 */
export class CleanupStack {
  readonly #undos: { readonly what: string; readonly undo: () => Promise<void> | void }[] = [];

  add(what: string, undo: () => Promise<void> | void): void {
    this.#undos.push({ what, undo });
  }

  /** Runs every clean-up, even after one fails. Returns the failures. A second call does nothing. */
  async run(): Promise<readonly CleanupFailure[]> {
    const failures: CleanupFailure[] = [];
    for (let entry = this.#undos.pop(); entry !== undefined; entry = this.#undos.pop()) {
      try {
        await entry.undo();
      } catch (thrown) {
        failures.push({ what: entry.what, message: messageOf(thrown) });
      }
    }
    return failures;
  }
}
