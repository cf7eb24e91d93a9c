import type { CaptureType, TemplatePart } from '../spec/template.ts';

/** What the names in texts stand for at some point of a run: `web.id` → 64 hex digits. Never changed, only replaced. */
export type Bindings = ReadonlyMap<string, string>;

export const NO_BINDINGS: Bindings = new Map();

/** The shape of what a reference may be bound to by the text itself, as long as nothing else says it: `web.id` is an id. */
export function typeOfRef(name: string): CaptureType {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (last === 'id') return 'id';
  return last === 'ip' || last === 'ip6' ? 'ip' : 'word';
}

export function bind(bindings: Bindings, more: Bindings | readonly (readonly [string, string])[]): Bindings {
  return new Map([...bindings, ...more]);
}

/** Without all that belongs to one pod: a new sandbox of it has another id, another address. */
export function forgetPod(bindings: Bindings, pod: string): Bindings {
  return new Map([...bindings].filter(([name]) => !name.startsWith(`${pod}.`)));
}

/** A part of a template, as it is matched: characters that must stand there, or a value that is not known yet. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'any';
      readonly name: string;
      readonly type: CaptureType;
      /** as it was written */
      readonly shown: string;
    };

/** A typed capture is always bound anew. A name without a type keeps the value that it has, if it has one. */
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

/** Pieces for people; a value that is not known stays as it was written. */
export const render = (pieces: readonly Piece[]): string =>
  pieces.map((piece) => (piece.kind === 'text' ? piece.text : piece.shown)).join('');

/** How many characters of a value stand in the text at this place. */
export function commonLength(value: string, text: string, at: number): number {
  let same = 0;
  while (same < value.length && value[same] === text[at + same]) same++;
  return same;
}

/** The first difference of an attempt to match: where it began, how far it came, and what should have followed. */
export interface Furthest {
  readonly from: number;
  readonly at: number;
  readonly rest: () => string;
}

export interface Found {
  readonly from: number;
  /** the text that each name stands for */
  readonly values: ReadonlyMap<string, string>;
}
