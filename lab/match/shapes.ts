import { CAPTURE_PATTERNS, type CaptureType } from '../spec/template.ts';

/**
 * How long a value of a capture type can be. A `run` may have any length up to the end of its characters; of `lengths` only
 * those can be that are listed, the longest first.
 */
export type Shape =
  | { readonly kind: 'run'; readonly isIn: (text: string, at: number) => boolean }
  | { readonly kind: 'lengths'; readonly at: (text: string, at: number) => readonly number[] };

/** The longest text of an IP address: an IPv6 address that ends in an IPv4 one. */
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

/** Every length that a value of this type can have at this place, the longest first. */
export function lengthsAt(type: CaptureType, text: string, at: number): readonly number[] {
  const shape = SHAPES[type];
  if (shape.kind === 'lengths') return shape.at(text, at);
  let longest = 0;
  while (shape.isIn(text, at + longest)) longest++;
  return Array.from({ length: longest }, (_, index) => longest - index);
}
