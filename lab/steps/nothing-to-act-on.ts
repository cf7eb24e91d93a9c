/** The system under test left nothing for this step to act on; it is observed as not run. */
export class NothingToActOn extends Error {
  override readonly name = 'NothingToActOn';
}
