import type { TextExpectation } from '../spec/scenario.ts';
import { parseTemplate, type TemplatePart } from '../spec/template.ts';
import { bind, type Bindings, piecesOf, render, type Found, type Furthest, type Piece } from './bindings.ts';
import { findPieces, furthestOf, type Where } from './reach.ts';
import { findRepeated } from './repeated.ts';

/** Whether a text is what a template says, and what its names turned out to stand for. */
export type TextMatch =
  | { readonly matched: true; readonly bindings: Bindings; readonly expected: string }
  | {
      readonly matched: false;
      /** where in the actual text the first difference is, in UTF-16 units, and where in `expected` */
      readonly at: number;
      readonly expectedAt: number;
      /** the template with all filled in that is known; up to `expectedAt` it is what the actual text has before `at` */
      readonly expected: string;
      /** There are too many ways in which the names could be filled in: nobody knows whether the text matches. */
      readonly undecided?: true;
    };

/** Compares character for character; only `${…}` may vary, each within its shape, and the same everywhere. */
export const matchExact = (template: string, text: string, known: Bindings): TextMatch =>
  match(template, text, { known, anywhere: false, toEnd: true });

/** Finds the template anywhere in the text; the nearest attempt gives the difference. */
export const matchPart = (template: string, text: string, known: Bindings): TextMatch =>
  match(template, text, { known, anywhere: true, toEnd: false });

export function matchExpectation(expectation: TextExpectation, text: string, known: Bindings): TextMatch {
  return 'exact' in expectation
    ? matchExact(expectation.exact, text, known)
    : matchPart(expectation.contains, text, known);
}

/** A template with all filled in that is known, for people; what is not known stays as it was written. */
export const fillIn = (template: string, known: Bindings): string =>
  render(piecesOf(partsOf(template), known));

function match(
  template: string,
  text: string,
  { known, ...where }: Where & { readonly known: Bindings },
): TextMatch {
  const pieces = piecesOf(partsOf(template), known);
  if (namesOnce(pieces)) {
    const found = findPieces(pieces, text, where);
    return found === undefined
      ? differs(furthestOf(pieces, text, where), text)
      : matched(found, { pieces, known });
  }
  const { found, furthest, undecided } = findRepeated(pieces, text, where);
  if (found !== undefined) return matched(found, { pieces, known });
  return { ...differs(furthest, text), ...(undecided ? { undecided } : {}) };
}

const differs = ({ from, at, rest }: Furthest, text: string) =>
  ({ matched: false, at, expectedAt: at - from, expected: text.slice(from, at) + rest() }) as const;

function matched(
  { values }: Found,
  { pieces, known }: { pieces: readonly Piece[]; known: Bindings },
): TextMatch {
  const expected = render(
    pieces.map((piece) =>
      piece.kind === 'text' ? piece : { kind: 'text', text: values.get(piece.name) ?? '' },
    ),
  );
  return { matched: true, bindings: values.size === 0 ? known : bind(known, values), expected };
}

function namesOnce(pieces: readonly Piece[]): boolean {
  const names = pieces.flatMap((piece) => (piece.kind === 'any' ? [piece.name] : []));
  return new Set(names).size === names.length;
}

/** A text that is no template (a recorded plan of another hand) is taken literally. */
function partsOf(template: string): readonly TemplatePart[] {
  const parsed = parseTemplate(template);
  return parsed.ok ? parsed.value : [{ kind: 'literal', text: template }];
}
