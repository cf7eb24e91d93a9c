/** A value, or why there is none. For wrongs that belong to the author of some input; see lab-error.ts for the lab's own. */
export type Result<T, E> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });

/** Ends a `switch` over a union: a forgotten case becomes a compile error, and a lie at the edge a crash. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}

/**
 * The lab or its host could not do its part: a source is unreachable, a node did not start, a look failed.
 * Ends as inconclusive, exit 69; never says anything about the system under test.
 */
export class LabError extends Error {
  override readonly name = 'LabError';
}

/** A command did not even begin: there is no such program, or it is none. Nothing is known of what it would have done. */
export class CannotStart extends LabError {}

/** Bad input that is not in a scenario file: a flag, a version that does not exist. Exit 2, nothing was run. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** The message of anything thrown, with its causes, outermost first, on one line. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${messageOf(thrown.cause)}`;
}

/** One undo that did not work: what it was for and why. */
export interface CleanupFailure {
  readonly what: string;
  readonly message: string;
}

/** Undos in reverse order of their registration. Register the undo before you do; an undo tolerates "nothing there". */
export class CleanupStack {
  readonly #undos: { readonly what: string; readonly undo: () => Promise<void> | void }[] = [];

  add(what: string, undo: () => Promise<void> | void): void {
    this.#undos.push({ what, undo });
  }

  /** Runs every undo, even after one fails, and returns what failed. A second call finds nothing left to do. */
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
