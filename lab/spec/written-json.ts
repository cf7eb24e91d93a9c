import { unreachable } from '../core/lab-error.ts';
import type { NumbersKept, Reach } from './mention.ts';
import type { JsonObject, JsonValue } from '../core/content.ts';
import { literally } from './template.ts';
import { allRead, type Shape } from './shape.ts';
import type { YamlValue } from './yaml-value.ts';

/**
 * A mapping as it is written in a file: numbers as their exact characters, keys in order, and whether values that are
 * only `${matrix.AXIS}` were written without quotes.
 */
export interface WrittenObject {
  readonly is: 'mapping';
  readonly entries: readonly (readonly [string, WrittenJson])[];
}

export type WrittenJson =
  | WrittenObject
  | { readonly is: 'list'; readonly items: readonly WrittenJson[] }
  | { readonly is: 'text'; readonly text: string }
  /** a number, true, false or null, in JSON syntax */
  | { readonly is: 'plain'; readonly source: string }
  /** `${matrix.AXIS}` without quotes: has the type of the value of the axis, a number or a text */
  | { readonly is: 'axis'; readonly text: string };

/** JSON has fewer ways to write a number than YAML. */
export const isJsonNumber = (source: string): boolean =>
  /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(source);

/** Whether a program that reads numbers as doubles, like this one, writes the same number in the same way. */
export const isKeptByDoubles = (source: string): boolean => String(Number(source)) === source;

/** Why a number in a file cannot be kept as it is written. */
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

/** Plain data, for uses other than JSON. The shape that read it has checked that nothing is lost. */
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

/** Plain data from a program as if a file contained it, with every text taken literally. */
export const writtenOf = (value: JsonObject): WrittenObject => objectOf(value, literally);

/** The same, with every text taken as a template, so that `${web.id}` has its meaning in a file. */
export const writtenTemplates = (value: JsonObject): WrittenObject => objectOf(value, (text) => text);

const objectOf = (value: JsonObject, write: (text: string) => string): WrittenObject => ({
  is: 'mapping',
  entries: Object.entries(value).map(([key, inner]) => [write(key), anyWrittenOf(inner, write)] as const),
});

function anyWrittenOf(value: JsonValue, write: (text: string) => string): WrittenJson {
  if (typeof value === 'string') return { is: 'text', text: write(value) };
  if (typeof value !== 'object' || value === null) return { is: 'plain', source: JSON.stringify(value) };
  return isList(value)
    ? { is: 'list', items: value.map((item) => anyWrittenOf(item, write)) }
    : objectOf(value, write);
}

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);

export interface JsonOptions {
  /** what its texts can refer to */
  readonly reach: Reach;
  readonly numbers: NumbersKept;
}

/**
 * A mapping with anything that JSON can represent. Nothing may change when it is converted; a value that would change
 * is a mistake.
 */
export function jsonShape({ reach, numbers }: JsonOptions): Shape<WrittenObject> {
  const check = (text: string, spot: YamlValue) => spot.mention({ kind: 'text', text, reach });

  const readValue = (spot: YamlValue): WrittenJson | undefined => {
    if (spot.kind === 'mapping') return readObject(spot);
    if (spot.kind === 'list') {
      const items = allRead(spot.items.map(readValue));
      return items === undefined ? undefined : { is: 'list', items };
    }
    const text = spot.text ?? '';
    if (spot.kind === 'number') {
      const mistake = numberMistake(text, numbers);
      return mistake === undefined ? { is: 'plain', source: text } : spot.mistake(mistake);
    }
    if (spot.kind !== 'text') return { is: 'plain', source: String(spot.scalar) };
    check(text, spot);
    const axis = spot.unquoted ? AXIS.exec(text)?.[1] : undefined;
    if (axis === undefined) return { is: 'text', text };
    spot.mention({ kind: 'number-axis', axis, numbers });
    return { is: 'axis', text };
  };

  const readObject = (spot: YamlValue): WrittenObject | undefined => {
    const pairs = spot.entries.map(({ name, key, value }) => {
      check(name, key);
      const read = readValue(value);
      return read === undefined ? undefined : ([name, read] as const);
    });
    const entries = allRead(pairs);
    return entries === undefined ? undefined : { is: 'mapping', entries };
  };

  return {
    wanted: 'a mapping',
    schema: () => ({ type: 'object' }),
    read: (spot) => (spot.kind === 'mapping' ? readObject(spot) : spot.wants('a mapping')),
  };
}

const AXIS = /^\$\{matrix\.([^}]+)\}$/;

/** The text of a mapping that is used as the content of a file. It is the same everywhere. */
export const formatJson = (value: JsonObject): string => `${JSON.stringify(value, null, 2)}\n`;

/** The same for a mapping in a file, with numbers as they are written there. */
export const formatWritten = (value: WrittenObject): string => `${format(value, '')}\n`;

function format(value: WrittenJson, indent: string): string {
  const inner = `${indent}  `;
  const lines = (items: readonly string[], [open, close]: readonly [string, string]) =>
    items.length === 0
      ? `${open}${close}`
      : `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`;
  switch (value.is) {
    case 'mapping':
      return lines(
        value.entries.map(([key, item]) => `${JSON.stringify(key)}: ${format(item, inner)}`),
        ['{', '}'],
      );
    case 'list':
      return lines(
        value.items.map((item) => format(item, inner)),
        ['[', ']'],
      );
    case 'plain':
      return value.source;
    case 'text':
    case 'axis':
      return JSON.stringify(value.text);
    default:
      return unreachable(value);
  }
}
