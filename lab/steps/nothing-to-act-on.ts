/** The step cannot be taken: nothing to act on, nobody to ask, nothing that could be seen; it is observed as not run. */
export class NothingToActOn extends Error {
  override readonly name = 'NothingToActOn';
}
