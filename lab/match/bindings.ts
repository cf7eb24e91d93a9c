import type { CaptureType, TemplatePart } from '../spec/template.ts';

/** The values of names in texts at some point of a run: `web.id` → 64 hex digits. Never modified, only replaced. */
export type Bindings = ReadonlyMap<string, string>;

export const NO_BINDINGS: Bindings = new Map();

/** The type of value that the text itself can bind to a reference that has no value yet: `web.id` is an id. */
export function typeOfRef(name: string): CaptureType {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (last === 'id') return 'id';
  return last === 'ip' || last === 'ip6' ? 'ip' : 'word';
}

export function bind(bindings: Bindings, more: Bindings | readonly (readonly [string, string])[]): Bindings {
  return new Map([...bindings, ...more]);
}

/** Removes everything that belongs to one pod: a new sandbox of the pod has another id and another address. */
export function forgetPod(bindings: Bindings, pod: string): Bindings {
  return new Map([...bindings].filter(([name]) => !name.startsWith(`${pod}.`)));
}

/** A part of a template for matching: fixed characters, or a value that is not known yet. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'any';
      readonly name: string;
      readonly type: CaptureType;
      /** as written in the template */
      readonly shown: string;
    };

/** A typed capture always gets a new value. A name without a type keeps its value if it has one. */
export function piecesOf(parts: readonly TemplatePart[], known: Bindings): readonly Piece[] {
  return parts.map((part): Piece => {
    if (part.kind === 'literal') return { kind: 'text', text: part.text };
    const value = part.kind === 'ref' ? known.get(part.name) : undefined;
    if (value !== undefined) return { kind: 'text', text: value };
    const { name } = part;
    return part.kind === 'ref'
      ? { kind: 'any', name, type: typeOfRef(name), shown: `\${${name}}` }
      : { kind: 'any', name, type: part.type, shown: `\${${name}:${part.type}}` };
  });
}

/** Pieces as a text for people. A value that is not known stays as it is written. */
export const render = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => (piece.kind === 'text' ? piece.text : piece.shown)).join('');

/** How many characters of a value match the text at this position. */
export function commonLength(value: string, text: string, at: number): number {
  let same = 0;
  while (same < value.length && value[same] === text[at + same]) same++;
  return same;
}

/** The first difference of a failed match: where the match started, how far it came, and what should have followed. */
export interface Furthest {
  readonly from: number;
  readonly at: number;
  readonly rest: () => string;
}

export interface Found {
  readonly from: number;
  /** the value of each name */
  readonly values: ReadonlyMap<string, string>;
}
