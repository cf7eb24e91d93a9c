import type { TextExpectation } from '../spec/scenario.ts';
import { parseTemplate, type TemplatePart } from '../spec/template.ts';
import { bind, type Bindings, piecesOf, render, type Found, type Furthest, type Piece } from './bindings.ts';
import { findPieces, furthestOf, type Where } from './reach.ts';
import { findRepeated } from './repeated.ts';

/** Whether a text matches a template, and the values of its names. */
export type TextMatch =
  | { readonly matched: true; readonly bindings: Bindings; readonly expected: string }
  | {
      readonly matched: false;
      /** where the first difference is: position in the actual text, in UTF-16 units, and position in `expected` */
      readonly at: number;
      readonly expectedAt: number;
      /** the template with all known values filled in; up to `expectedAt` it equals the actual text before `at` */
      readonly expected: string;
      /** The names can be filled in in too many ways. So it is not known whether the text matches. */
      readonly undecided?: true;
    };

/** Compares character for character. Only `${…}` may vary, each within its type, with the same value everywhere. */
export const matchExact = (template: string, text: string, known: Bindings): TextMatch =>
  match(template, text, { known, anywhere: false, toEnd: true });

/** Finds the template anywhere in the text. If there is no match, the nearest attempt gives the difference. */
export const matchPart = (template: string, text: string, known: Bindings): TextMatch =>
  match(template, text, { known, anywhere: true, toEnd: false });

export function matchExpectation(expectation: TextExpectation, text: string, known: Bindings): TextMatch {
  return 'exact' in expectation
    ? matchExact(expectation.exact, text, known)
    : matchPart(expectation.contains, text, known);
}

/** A template with all known values filled in, for people. What is not known stays as it is written. */
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

/** A text that is not a valid template (for example in a plan that something else recorded) is taken literally. */
function partsOf(template: string): readonly TemplatePart[] {
  const parsed = parseTemplate(template);
  return parsed.ok ? parsed.value : [{ kind: 'literal', text: template }];
}
