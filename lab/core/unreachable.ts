/** Ends a `switch` over a union: a forgotten case becomes a compile error, and a lie at the edge a crash. */
export function unreachable(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
