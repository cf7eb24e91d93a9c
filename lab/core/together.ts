/** All of them at once; the first that throws ends the others, and is thrown when they have ended. */
export async function together<T>(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<T>)[],
): Promise<readonly T[]> {
  const inner = new AbortController();
  const ends = await Promise.allSettled(
    works.map(async (work) => {
      try {
        return await work(AbortSignal.any([signal, inner.signal])); // one for each: Node warns of many listeners on one
      } catch (thrown) {
        inner.abort(thrown);
        throw thrown;
      }
    }),
  );
  if (inner.signal.aborted) throw inner.signal.reason;
  return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
}
