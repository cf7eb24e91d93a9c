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
