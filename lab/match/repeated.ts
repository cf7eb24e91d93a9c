import { commonLength, render, type Found, type Furthest, type Piece } from './bindings.ts';
import { type Where, lengthsAt } from './reach.ts';

/**
 * Maximum number of character comparisons for one text; they take some tenths of a second. Real texts need a few
 * thousand.
 */
const STEPS = 2_000_000;

/**
 * Matches pieces in which a name occurs more than once and so must have the same value. Tries the values of each name
 * one after the other, the longest first. The time can grow with a power of the length of the text, so it stops after a
 * number of steps; `undecided` is then true.
 */
export function findRepeated(
  pieces: readonly Piece[],
  text: string,
  { anywhere, toEnd }: Where,
): { readonly found?: Found; readonly furthest: Furthest; readonly undecided: boolean } {
  let steps = 0;
  let furthest: Furthest = { from: 0, at: 0, rest: () => render(pieces) };
  const reached = (from: number, at: number, rest: () => string) => {
    if (at - from > furthest.at - furthest.from) furthest = { from, at, rest };
  };

  const attempt = (index: number, at: number, from: number, values: Values): Values | undefined => {
    const piece = pieces[index];
    const after = () => render(pieces.slice(index + 1).map((one) => withValue(one, values)));
    if (piece === undefined) {
      if (at === text.length || !toEnd) return values;
      reached(from, at, () => '');
      return undefined;
    }
    const value = piece.kind === 'text' ? piece.text : values.get(piece.name);
    if (value !== undefined) {
      const same = commonLength(value, text, at);
      steps += same;
      if (same === value.length) return attempt(index + 1, at + same, from, values);
      reached(from, at + same, () => value.slice(same) + after());
      return undefined;
    }
    if (piece.kind === 'text') return undefined;
    reached(from, at, () => piece.shown + after());
    const lengths = lengthsAt(piece.type, text, at);
    steps += lengths.length;
    for (const length of lengths) {
      if (steps > STEPS) return undefined;
      const bound = new Map([...values, [piece.name, text.slice(at, at + length)]]);
      const done = attempt(index + 1, at + length, from, bound);
      if (done !== undefined) return done;
    }
    return undefined;
  };

  for (let from = 0; from <= (anywhere ? text.length : 0) && steps <= STEPS; from++) {
    const values = attempt(0, from, from, new Map());
    if (values !== undefined) return { found: { from, values }, furthest, undecided: false };
  }
  return { furthest, undecided: steps > STEPS };
}

type Values = ReadonlyMap<string, string>;

function withValue(piece: Piece, values: Values): Piece {
  const value = piece.kind === 'any' ? values.get(piece.name) : undefined;
  return value === undefined ? piece : { kind: 'text', text: value };
}
