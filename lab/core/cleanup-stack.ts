import { messageOf } from './lab-error.ts';

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
