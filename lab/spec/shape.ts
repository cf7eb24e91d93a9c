import { didYouMean } from './diagnostic.ts';
import type { YamlValue, SpotKind } from './yaml-value.ts';

export interface JsonSchema {
  readonly [key: string]: string | number | boolean | readonly (string | JsonSchema)[] | JsonSchema;
}
export type Definitions = Map<string, JsonSchema>;

/** Describes a value in a YAML file: reads it, and is also its JSON Schema for editors. */
export interface Shape<T> {
  /** for messages: `a text`, `a mapping` */
  readonly wanted: string;
  /** Returns the value. Returns undefined after it has noted every mistake in it at its place. */
  read(spot: YamlValue): T | undefined;
  schema(definitions: Definitions): JsonSchema;
}

/** A shape with a description for editors. */
export const about = <T>(description: string, shape: Shape<T>): Shape<T> => ({
  ...shape,
  schema: (definitions) => {
    const schema = shape.schema(definitions);
    return '$ref' in schema ? { allOf: [schema], description } : { ...schema, description };
  },
});

/** A shape that is defined once in the JSON Schema, however often it is used. */
export const named = <T>(name: string, shape: Shape<T>): Shape<T> => ({
  ...shape,
  schema: (definitions) => {
    if (!definitions.has(name)) {
      definitions.set(name, {});
      definitions.set(name, shape.schema(definitions));
    }
    return { $ref: `#/definitions/${name}` };
  },
});

/** Converts what was read. Undefined if it is invalid after all, with the mistake noted. */
export const mapped = <T, U>(
  shape: Shape<T>,
  map: (value: T, spot: YamlValue) => U | undefined,
): Shape<U> => ({
  wanted: shape.wanted,
  schema: (definitions) => shape.schema(definitions),
  read: (spot) => {
    const value = shape.read(spot);
    return value === undefined ? undefined : map(value, spot);
  },
});

export const list = <T>(
  item: Shape<T>,
  { min = 0, max }: { min?: number; max?: number } = {},
): Shape<readonly T[]> => ({
  wanted: 'a list',
  schema: (definitions) => ({
    type: 'array',
    items: item.schema(definitions),
    ...(min > 0 ? { minItems: min } : {}),
    ...(max === undefined ? {} : { maxItems: max }),
  }),
  read: (spot) => {
    if (spot.kind !== 'list') return spot.wants('a list');
    const { items } = spot;
    if (items.length < min) return spot.mistake('wanted a list of at least one; this one is empty');
    if (max !== undefined && items.length > max)
      return spot.mistake(`wanted at most ${max}; this list has ${items.length}`);
    return allRead(items.map((child) => item.read(child)));
  },
});

/** A list, or a single item without the brackets. */
export const oneOrMany = <T>(item: Shape<T>): Shape<readonly T[]> => {
  const many = list(item, { min: 1 });
  return {
    wanted: `${item.wanted} or a list`,
    schema: (definitions) => ({ anyOf: [item.schema(definitions), many.schema(definitions)] }),
    read: (spot) => {
      if (spot.kind === 'list') return many.read(spot);
      const one = item.read(spot);
      return one === undefined ? undefined : [one];
    },
  };
};

/** A mapping with at least one key: an empty one would always match. */
export const notEmpty = <T>(shape: Shape<T>, instead: string): Shape<T> => ({
  ...shape,
  schema: (definitions) => ({ ...shape.schema(definitions), minProperties: 1 }),
  read: (spot) =>
    spot.kind === 'mapping' && spot.entries.length === 0
      ? spot.mistake(`this says nothing; ${instead}`)
      : shape.read(spot),
});

/** One of several shapes, selected by the kind of the YAML value. */
export const byKind = <T>(shapes: Partial<Record<SpotKind, Shape<T>>>): Shape<T> => {
  const choices = [...new Set(Object.values(shapes))];
  const wanted = choices.map((shape) => shape.wanted).join(' or ');
  return {
    wanted,
    schema: (definitions) => ({ anyOf: choices.map((shape) => shape.schema(definitions)) }),
    read: (spot) => (shapes[spot.kind] === undefined ? spot.wants(wanted) : shapes[spot.kind]?.read(spot)),
  };
};

/** Any keys that `key` accepts, each with the same shape of value, in the order of the file. */
export const mapOf = <T, U>(
  item: Shape<T>,
  {
    keys,
    key,
    build,
  }: {
    keys?: readonly string[];
    key?: (name: string, spot: YamlValue) => unknown;
    build: (value: T, name: string, key: YamlValue) => U;
  },
): Shape<readonly U[]> => ({
  wanted: 'a mapping',
  schema: (definitions) => ({
    type: 'object',
    additionalProperties: item.schema(definitions),
    ...(keys === undefined ? {} : { propertyNames: { enum: keys } }),
  }),
  read: (spot) => {
    if (spot.kind !== 'mapping') return spot.wants('a mapping');
    return allRead(
      spot.entries.map((entry) => {
        if (keys !== undefined && !keys.includes(entry.name)) return unknownKey(entry.key, entry.name, keys);
        key?.(entry.name, entry.key);
        const value = item.read(entry.value);
        return value === undefined ? undefined : build(value, entry.name, entry.key);
      }),
    );
  },
});

/** The values, if all of them could be read. */
export function allRead<T>(values: readonly (T | undefined)[]): readonly T[] | undefined {
  const read = values.filter((value) => value !== undefined);
  return read.length === values.length ? read : undefined;
}

export function unknownKey(key: YamlValue, name: string, allowed: readonly string[]): undefined {
  const hint = didYouMean(name, allowed);
  return key.mistake(`unknown key "${name}"${hint || ';'} allowed here: ${allowed.join(', ')}`);
}
