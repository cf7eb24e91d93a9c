import { unreachable } from '../core/result.ts';
import type { NumbersKept } from './mention.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { literally } from './template.ts';

/**
 * A mapping of a file, as it is written there: numbers by their very characters, keys in their order, and which of the
 * values that are nothing but `${matrix.AXIS}` stood without quotes.
 */
export interface WrittenObject {
  readonly is: 'mapping';
  readonly entries: readonly (readonly [string, WrittenJson])[];
}

export type WrittenJson =
  | WrittenObject
  | { readonly is: 'list'; readonly items: readonly WrittenJson[] }
  | { readonly is: 'text'; readonly text: string }
  /** a number, true, false or null, in the characters of JSON */
  | { readonly is: 'plain'; readonly source: string }
  /** `${matrix.AXIS}` without quotes: whatever the value of the axis is, a number or a text */
  | { readonly is: 'axis'; readonly text: string };

/** JSON has fewer ways to write a number than YAML. */
export const isJsonNumber = (source: string): boolean =>
  /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(source);

/** Whether a program that reads numbers as doubles, as this one does, says the same number in the same way. */
export const isKeptByDoubles = (source: string): boolean => String(Number(source)) === source;

/** Why a number of a file cannot be said as it is written there. */
export function numberMistake(source: string, numbers: NumbersKept): string | undefined {
  if (!isJsonNumber(source)) {
    const same = Number(source.replace(/^([+-]?)0+(?=\d)/, '$1'));
    const asJson = Number.isFinite(same) ? `write ${same}, or ` : '';
    return `JSON has no number ${source}: ${asJson}put it in quotes for a text`;
  }
  return numbers === 'as written' || isKeptByDoubles(source)
    ? undefined
    : `the number ${source} cannot be kept here: it would become ${Number(source)}`;
}

/** Plain data, for what is not written as JSON; the shape that read it has seen to it that nothing is lost. */
export function valueOf(written: WrittenObject): JsonObject {
  return Object.fromEntries(written.entries.map(([key, inner]) => [key, anyValueOf(inner)]));
}

function anyValueOf(written: WrittenJson): JsonValue {
  switch (written.is) {
    case 'mapping':
      return valueOf(written);
    case 'list':
      return written.items.map(anyValueOf);
    case 'text':
    case 'axis':
      return written.text;
    case 'plain':
      return plainValue(written.source);
    default:
      return unreachable(written);
  }
}

function plainValue(source: string): number | boolean | null {
  if (source === 'null') return null;
  return source === 'true' || source === 'false' ? source === 'true' : Number(source);
}

/** Plain data of a program, as a file would have it, with every text taken as it stands. */
export function writtenOf(value: JsonObject): WrittenObject {
  return {
    is: 'mapping',
    entries: Object.entries(value).map(([key, inner]) => [literally(key), anyWrittenOf(inner)] as const),
  };
}

function anyWrittenOf(value: JsonValue): WrittenJson {
  if (typeof value === 'string') return { is: 'text', text: literally(value) };
  if (typeof value !== 'object' || value === null) return { is: 'plain', source: JSON.stringify(value) };
  return isList(value) ? { is: 'list', items: value.map(anyWrittenOf) } : writtenOf(value);
}

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);
