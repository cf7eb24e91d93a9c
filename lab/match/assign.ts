import type { Bindings } from './bindings.ts';

/** The names that an item binds if it matches; `undecided` if it is not known whether it matches. */
export type Attempt = { readonly bindings: Bindings } | 'no' | 'undecided';

export interface Assigned {
  /** for each wanted entry the index of its item, or why it has none */
  readonly items: readonly (number | 'missing' | 'undecided')[];
  readonly bindings: Bindings;
}

interface Question<W, I> {
  readonly wanted: readonly W[];
  readonly items: readonly I[];
  readonly known: Bindings;
  /** `known` without the names that the wanted entries bind themselves */
  readonly loose: Bindings;
  readonly attempt: (wanted: W, item: I, bindings: Bindings) => Attempt;
  /** Whether two wanted entries are interchangeable. If so, only one order of them is tried. */
  readonly alike: (one: W, other: W) => boolean;
}

/** Maximum attempts for one question. More are needed only if many wanted entries match many items in every order. */
const ATTEMPTS = 20_000;

/**
 * Finds an item for each wanted entry. No item is used twice, and a name has one value in all of them. The order of the
 * items does not matter. First each wanted entry is matched alone: entries for which no assignment has room are
 * missing. Then all others are matched together, with backtracking if an earlier value does not fit a later entry.
 */
export function assign<W, I>(question: Question<W, I>): Assigned {
  const { wanted, known } = question;
  const fitting = wanted.map((one) => fittingItems(one, question));
  const alone = pairUp(fitting.map(({ maybe }) => maybe));
  const possible = [...wanted.keys()].filter((index) => alone[index] !== undefined);
  const { items, bindings, gaveUp } = together(possible, { ...question, known });
  return {
    bindings,
    items: wanted.map((_, index) => {
      const item = items.get(index);
      if (item !== undefined) return item;
      if (possible.includes(index)) return gaveUp ? 'undecided' : 'missing';
      return fitting[index]?.undecided === true ? 'undecided' : 'missing';
    }),
  };
}

function fittingItems<W, I>(
  one: W,
  { items, loose, attempt }: Question<W, I>,
): { readonly maybe: readonly number[]; readonly undecided: boolean } {
  const answers = items.map((item) => attempt(one, item, loose));
  return {
    maybe: [...answers.keys()].filter((index) => typeof answers[index] === 'object'),
    undecided: answers.includes('undecided'),
  };
}

/** The largest number of pairs, found with augmenting paths. Earlier wanted entries keep their pair. */
function pairUp(choices: readonly (readonly number[])[]): readonly (number | undefined)[] {
  const takenBy = new Map<number, number>();
  const place = (wanted: number, tried: Set<number>): boolean =>
    (choices[wanted] ?? []).some((item) => {
      if (tried.has(item)) return false;
      tried.add(item);
      const other = takenBy.get(item);
      if (other !== undefined && !place(other, tried)) return false;
      takenBy.set(item, wanted);
      return true;
    });
  for (const wanted of choices.keys()) place(wanted, new Set());
  const itemOf = new Map([...takenBy].map(([item, wanted]) => [wanted, item]));
  return choices.map((_, wanted) => itemOf.get(wanted));
}

interface Together {
  readonly items: ReadonlyMap<number, number>;
  readonly bindings: Bindings;
  readonly gaveUp: boolean;
}

/** The longest prefix of these entries that can be matched together. */
function together<W, I>(
  possible: readonly number[],
  { wanted, items, known, attempt, alike }: Question<W, I>,
): Together {
  let attempts = 0;
  let best: Together = { items: new Map(), bindings: known, gaveUp: false };
  const goOn = (depth: number, taken: ReadonlyMap<number, number>, bindings: Bindings): boolean => {
    if (depth > best.items.size) best = { items: taken, bindings, gaveUp: false };
    const index = possible[depth];
    if (index === undefined) return true;
    const one = wanted[index] as W;
    const before = possible[depth - 1];
    const isTwin = before !== undefined && alike(wanted[before] as W, one);
    const first = isTwin ? (taken.get(before) ?? -1) + 1 : 0;
    const used = new Set(taken.values());
    for (let at = first; at < items.length; at++) {
      if (used.has(at)) continue;
      if (++attempts > ATTEMPTS) return false;
      const answer = attempt(one, items[at] as I, bindings);
      if (typeof answer !== 'object') continue;
      if (goOn(depth + 1, new Map([...taken, [index, at]]), answer.bindings)) return true;
    }
    return false;
  };
  goOn(0, new Map(), known);
  return { ...best, gaveUp: attempts > ATTEMPTS };
}
