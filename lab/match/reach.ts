import { commonLength, render, type Found, type Furthest, type Piece } from './bindings.ts';
import { CAPTURE_PATTERNS, type CaptureType } from '../spec/template.ts';

/**
 * The possible lengths of a value of a capture type. A `run` can have any length up to the end of its characters.
 * `lengths` lists all possible lengths, the longest first.
 */
export type Shape =
  | { readonly kind: 'run'; readonly isIn: (text: string, at: number) => boolean }
  | { readonly kind: 'lengths'; readonly at: (text: string, at: number) => readonly number[] };

/** The longest text of an IP address: an IPv6 address that ends with an IPv4 address. */
const LONGEST_IP = 45;

export const SHAPES: { readonly [K in CaptureType]: Shape } = {
  id: fixed(CAPTURE_PATTERNS.id, 64),
  uuid: fixed(CAPTURE_PATTERNS.uuid, 36),
  ip: { kind: 'lengths', at: ipLengths },
  number: run(/\d/),
  hash: run(/[0-9a-f]/),
  word: run(/[^\s"']/),
};

function run(character: RegExp): Shape {
  return { kind: 'run', isIn: (text, at) => at < text.length && character.test(text.charAt(at)) };
}

function fixed(pattern: string, length: number): Shape {
  const whole = new RegExp(`^(?:${pattern})$`);
  return {
    kind: 'lengths',
    at: (text, at) => (whole.test(text.slice(at, at + length)) ? [length] : []),
  };
}

const IP_CHARACTER = /[\da-f.:]/;
const IP = new RegExp(`^(?:${CAPTURE_PATTERNS.ip})$`);

function ipLengths(text: string, at: number): readonly number[] {
  let longest = 0;
  while (longest < LONGEST_IP && IP_CHARACTER.test(text.charAt(at + longest))) longest++;
  const lengths: number[] = [];
  for (let length = longest; length > 0; length--) {
    if (IP.test(text.slice(at, at + length))) lengths.push(length);
  }
  return lengths;
}

/** Every length that a value of this type can have at this position, the longest first. */
export function lengthsAt(type: CaptureType, text: string, at: number): readonly number[] {
  const shape = SHAPES[type];
  if (shape.kind === 'lengths') return shape.at(text, at);
  let longest = 0;
  while (shape.isIn(text, at + longest)) longest++;
  return Array.from({ length: longest }, (_, index) => longest - index);
}

export interface Where {
  /** Whether the match can start anywhere. If false, it starts at the first character. */
  readonly anywhere: boolean;
  /** Whether the match must end at the end of the text. */
  readonly toEnd: boolean;
}

/**
 * Matches pieces in which each name occurs once. The time is proportional to the length of the text times the number of
 * pieces, for any pieces. For each piece, from the last to the first, it computes the positions of the text at which
 * the rest can start. The first position is used, and then the longest value for each name in turn.
 */
export function findPieces(pieces: readonly Piece[], text: string, where: Where): Found | undefined {
  const fits = placesThatFit(pieces, text, where);
  const from = where.anywhere ? (fits[0]?.indexOf(1) ?? -1) : fits[0]?.[0] === 1 ? 0 : -1;
  if (from < 0) return undefined;
  const values = new Map<string, string>();
  let at = from;
  for (const [index, piece] of pieces.entries()) {
    const next = fits[index + 1];
    const length = piece.kind === 'text' ? piece.text.length : longestThatFits(piece, { text, at, next });
    if (piece.kind === 'any') values.set(piece.name, text.slice(at, at + length));
    at += length;
  }
  return { from, values };
}

type Any = Extract<Piece, { kind: 'any' }>;

function longestThatFits(
  { type }: Any,
  { text, at, next }: { text: string; at: number; next: Uint8Array | undefined },
): number {
  const shape = SHAPES[type];
  if (shape.kind === 'lengths') return shape.at(text, at).find((length) => next?.[at + length] === 1) ?? 0;
  let longest = 0;
  for (let length = 1; shape.isIn(text, at + length - 1); length++) {
    if (next?.[at + length] === 1) longest = length;
  }
  return longest;
}

/**
 * For each piece the positions at which it and all following pieces can start. The last entry is the end of the
 * template.
 */
function placesThatFit(
  pieces: readonly Piece[],
  text: string,
  { toEnd }: Pick<Where, 'toEnd'>,
): readonly Uint8Array[] {
  let next = new Uint8Array(text.length + 1);
  if (toEnd) next[text.length] = 1;
  else next.fill(1);
  const all = [next];
  for (const piece of [...pieces].reverse()) {
    next = piece.kind === 'text' ? placesOfText(piece.text, text, next) : placesOfAny(piece, text, next);
    all.unshift(next);
  }
  return all;
}

function placesOfText(wanted: string, text: string, next: Uint8Array): Uint8Array<ArrayBuffer> {
  const places = new Uint8Array(text.length + 1);
  for (let at = text.length - wanted.length; at >= 0; at--) {
    if (next[at + wanted.length] === 1 && text.startsWith(wanted, at)) places[at] = 1;
  }
  return places;
}

function placesOfAny({ type }: Any, text: string, next: Uint8Array): Uint8Array<ArrayBuffer> {
  const places = new Uint8Array(text.length + 1);
  const shape = SHAPES[type];
  let nearest = -1; // the nearest position, within the run that starts at `at`, where the rest can follow
  for (let at = text.length - 1; at >= 0; at--) {
    if (shape.kind === 'lengths') {
      if (shape.at(text, at).some((length) => next[at + length] === 1)) places[at] = 1;
    } else if (!shape.isIn(text, at)) {
      nearest = -1;
    } else {
      if (next[at + 1] === 1) nearest = at + 1;
      if (nearest > at) places[at] = 1;
    }
  }
  return places;
}

/**
 * How far the best attempt came; the first one if several are equal. The time is proportional to the text, as above.
 */
export function furthestOf(pieces: readonly Piece[], text: string, where: Where): Furthest {
  let best: Furthest = { from: 0, at: 0, rest: () => render(pieces) };
  const reached = (from: number, at: number, rest: () => string) => {
    if (at - from > best.at - best.from) best = { from, at, rest };
  };
  // For each position that is reached, the first position from which it is reached.
  let froms = new Int32Array(text.length + 1).fill(-1);
  if (where.anywhere) froms.forEach((_, at) => (froms[at] = at));
  else froms[0] = 0;
  for (const [index, piece] of pieces.entries()) {
    const after = () => render(pieces.slice(index + 1));
    const next = new Int32Array(text.length + 1).fill(-1);
    const arrive = (at: number, from: number) => {
      const before = next[at] ?? -1;
      if (before < 0 || from < before) next[at] = from;
    };
    let runFrom = -1; // the first position from which this run of characters was entered
    for (let at = 0; at <= text.length; at++) {
      const from = froms[at] ?? -1;
      if (piece.kind === 'text') {
        if (from < 0) continue;
        const same = commonLength(piece.text, text, at);
        if (same === piece.text.length) arrive(at + same, from);
        else reached(from, at + same, () => piece.text.slice(same) + after());
        continue;
      }
      if (from >= 0) reached(from, at, () => piece.shown + after());
      const shape = SHAPES[piece.type];
      if (shape.kind === 'lengths') {
        if (from >= 0) for (const length of shape.at(text, at)) arrive(at + length, from);
        continue;
      }
      if (from >= 0 && (runFrom < 0 || from < runFrom)) runFrom = from;
      if (!shape.isIn(text, at)) runFrom = -1;
      else if (runFrom >= 0) arrive(at + 1, runFrom);
    }
    froms = next;
  }
  if (where.toEnd) froms.forEach((from, at) => from >= 0 && at < text.length && reached(from, at, () => ''));
  return best;
}
