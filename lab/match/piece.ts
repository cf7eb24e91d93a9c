import type { CaptureType, TemplatePart } from '../spec/template.ts';
import { typeOfRef, type Bindings } from './bindings.ts';

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
