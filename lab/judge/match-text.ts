import { CAPTURE_PATTERNS, parseTemplate, type TemplatePart } from '../spec/template.ts';
import type { TextExpectation } from '../spec/scenario.ts';
import { bind, typeOfRef, type Bindings } from './bindings.ts';

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
    };

/** Compares byte for byte; only `${…}` may vary, each within its shape, and the same everywhere. */
export function matchExact(template: string, text: string, known: Bindings): TextMatch {
  return matchAt(partsOf(template), text, { known, from: 0, toEnd: true });
}

/** Finds the template anywhere in the text; the nearest attempt tells the difference. */
export function matchPart(template: string, text: string, known: Bindings): TextMatch {
  const parts = partsOf(template);
  let nearest: TextMatch & { matched: false } = {
    matched: false,
    at: 0,
    expectedAt: 0,
    expected: render(parts, known),
  };
  let reached = -1;
  for (let from = 0; from <= text.length; from++) {
    const match = matchAt(parts, text, { known, from, toEnd: false });
    if (match.matched) return match;
    if (match.expectedAt > reached) [nearest, reached] = [match, match.expectedAt];
  }
  return nearest;
}

export function matchExpectation(expectation: TextExpectation, text: string, known: Bindings): TextMatch {
  return 'exact' in expectation
    ? matchExact(expectation.exact, text, known)
    : matchPart(expectation.contains, text, known);
}

/** A template with all filled in that is known, for people; what is not known stays as it was written. */
export function fillIn(template: string, known: Bindings): string {
  return render(partsOf(template), known);
}

/** A text that is no template (a recorded plan of another hand) is taken literally. */
function partsOf(template: string): readonly TemplatePart[] {
  const parsed = parseTemplate(template);
  return parsed.ok ? parsed.value : [{ kind: 'literal', text: template }];
}

interface Attempt {
  readonly known: Bindings;
  readonly from: number;
  /** whether the text must end where the template does */
  readonly toEnd: boolean;
}

/** Tries the parts one after the other, a capture's longest value first, and remembers how far any attempt came. */
function matchAt(parts: readonly TemplatePart[], text: string, { known, from, toEnd }: Attempt): TextMatch {
  let furthest = { at: from - 1, expected: '' };
  const differs = (at: number, expectedRest: string): undefined => {
    if (at > furthest.at) furthest = { at, expected: text.slice(from, at) + expectedRest };
    return undefined;
  };

  const attempt = (index: number, at: number, local: Bindings): Bindings | undefined => {
    const part = parts[index];
    const rest = () => render(parts.slice(index + 1), local);
    if (part === undefined) return at === text.length || !toEnd ? local : differs(at, '');
    const value = valueOf(part, local);
    if (value !== undefined) {
      const same = commonLength(value, text, at);
      if (same < value.length) return differs(at + same, value.slice(same) + rest());
      return attempt(index + 1, at + same, local);
    }
    const { name, type } =
      part.kind === 'capture' ? part : { name: nameOf(part), type: typeOfRef(nameOf(part)) };
    const longest = SHAPES[type](text, at);
    differs(at, render(parts.slice(index), local));
    for (let length = longest; length > 0; length--) {
      const candidate = text.slice(at, at + length);
      if (!WHOLE[type].test(candidate)) continue;
      const bound = bind(local, [
        [name, candidate],
        [own(name), candidate],
      ]);
      const done = attempt(index + 1, at + length, bound);
      if (done !== undefined) return done;
    }
    return undefined;
  };

  const bound = attempt(0, from, known);
  if (bound === undefined) return { matched: false, ...furthest, expectedAt: furthest.at - from };
  const bindings = new Map([...bound].filter(([name]) => !name.startsWith(OWN)));
  return { matched: true, bindings, expected: render(parts, bound) };
}

const OWN = ':';
/** Marks what this very text has bound: a typed capture is bound anew by each text, and is one value within it. */
const own = (name: string): string => `${OWN}${name}`;

function valueOf(part: TemplatePart, known: Bindings): string | undefined {
  if (part.kind === 'literal') return part.text;
  return known.get(part.kind === 'capture' ? own(part.name) : part.name);
}

const nameOf = (part: TemplatePart): string => (part.kind === 'literal' ? '' : part.name);

function render(parts: readonly TemplatePart[], known: Bindings): string {
  return parts
    .map(
      (part) =>
        valueOf(part, known) ??
        (part.kind === 'capture' ? `\${${part.name}:${part.type}}` : `\${${nameOf(part)}}`),
    )
    .join('');
}

function commonLength(value: string, text: string, at: number): number {
  let same = 0;
  while (same < value.length && value[same] === text[at + same]) same++;
  return same;
}

type Shapes<T> = { readonly [K in keyof typeof CAPTURE_PATTERNS]: T };

function eachShape<T>(make: (pattern: string) => T): Shapes<T> {
  const { id, uuid, ip, number, hash, word } = CAPTURE_PATTERNS;
  return {
    id: make(id),
    uuid: make(uuid),
    ip: make(ip),
    number: make(number),
    hash: make(hash),
    word: make(word),
  };
}

const WHOLE: Shapes<RegExp> = eachShape((pattern) => new RegExp(`^(?:${pattern})$`));

/** How long a value of this shape can be at this place at most; 0 where there is none. */
const SHAPES: Shapes<(text: string, at: number) => number> = eachShape((pattern) => {
  const here = new RegExp(pattern, 'y');
  return (text, at) => {
    here.lastIndex = at;
    return here.exec(text)?.[0].length ?? 0;
  };
});
