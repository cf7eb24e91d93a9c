import { didYouMean } from './diagnostic.ts';
import { unknownKey, type Definitions, type JsonSchema, type Shape } from './shape.ts';
import type { YamlValue } from './yaml-value.ts';

/** A shape that is a mapping of known keys. */
export interface ObjectShape<T> extends Shape<T> {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  properties(definitions: Definitions): Readonly<Record<string, JsonSchema>>;
}

export type Shapes<T> = { readonly [K in keyof T]: Shape<T[K]> };

/**
 * A mapping of known keys. The keys are read in the order of the arguments, not of the file: `first`, then the required
 * ones, then the others. Keys that match `ignored` are skipped. A key in `otherWords` is reported with a hint, which
 * also covers the missing key.
 */
export function object<R extends object, O extends object, T>(
  {
    required,
    optional,
    first = [],
    ignored,
    otherWords = {},
  }: {
    required: Shapes<R>;
    optional: Shapes<O>;
    first?: readonly (keyof O & string)[];
    ignored?: RegExp;
    otherWords?: OtherWords;
  },
  build: (values: R & Partial<O>, spot: YamlValue) => T | undefined,
): ObjectShape<T> {
  const shapes: readonly (readonly [string, Shape<unknown>])[] = [
    ...Object.entries<Shape<unknown>>(required),
    ...Object.entries<Shape<unknown>>(optional),
  ];
  const names = shapes.map(([name]) => name);
  const isFirst = ([name]: readonly [string, Shape<unknown>]) => first.some((word) => word === name);
  const readingOrder = [...shapes.filter(isFirst), ...shapes.filter((shape) => !isFirst(shape))];
  const properties = (definitions: Definitions) =>
    Object.fromEntries(shapes.map(([name, shape]) => [name, shape.schema(definitions)]));
  return {
    wanted: 'a mapping',
    required: Object.keys(required),
    optional: Object.keys(optional),
    properties,
    schema: (definitions) => ({
      type: 'object',
      properties: properties(definitions),
      ...(ignored === undefined ? {} : { patternProperties: { [ignored.source]: {} } }),
      required: Object.keys(required),
      additionalProperties: false,
    }),
    read: (spot) => {
      if (spot.kind !== 'mapping') return spot.wants('a mapping');
      const entries = new Map(spot.entries.map((entry) => [entry.name, entry]));
      let sound = true;
      for (const { name, key } of entries.values()) {
        if (names.includes(name) || ignored?.test(name) === true) continue;
        const wayOut = wayOutOf(name, otherWords);
        sound =
          (wayOut === undefined
            ? unknownKey(key, name, names)
            : key.mistake(`there is no "${name}" here: ${wayOut}`)) ?? false;
      }
      const hasHint = [...entries.keys()].some((name) => wayOutOf(name, otherWords) !== undefined);
      const values: Record<string, unknown> = {};
      for (const [name, shape] of readingOrder) {
        const entry = entries.get(name);
        if (entry === undefined) {
          if (name in required && !hasHint) spot.mistake(`"${name}" is missing`);
          if (name in required) sound = false;
          continue;
        }
        values[name] = shape.read(entry.value);
        if (values[name] === undefined) sound = false;
      }
      // every key was read by its own shape above, but TypeScript cannot follow that through the record
      return sound ? build(values as R & Partial<O>, spot) : undefined;
    },
  };
}

/** Words that users know from other tools, and what to write instead. */
export type OtherWords = Readonly<Record<string, string>>;

const wayOutOf = (name: string, otherWords: OtherWords): string | undefined =>
  Object.hasOwn(otherWords, name.toLowerCase()) ? otherWords[name.toLowerCase()] : undefined;

/**
 * One of several mappings. Each is recognised by a key that only it has. `what` is for example `a step`. `otherWords`
 * have hints.
 */
export function unionByKey<T>(
  what: string,
  variants: Readonly<Record<string, ObjectShape<T>>>,
  otherWords: OtherWords = {},
): Shape<T> {
  const words = Object.keys(variants);
  const common = new Set(
    Object.values(variants).flatMap(({ required, optional }) => [...required, ...optional]),
  );
  const hintFor = (name: string): string => {
    const wayOut = wayOutOf(name, otherWords);
    return wayOut === undefined ? didYouMean(name, words) : `; ${wayOut}`;
  };
  return {
    wanted: `a mapping with one of ${words.join(', ')}`,
    schema: (definitions) => ({
      type: 'object',
      properties: Object.fromEntries(
        Object.values(variants).flatMap((variant) => Object.entries(variant.properties(definitions))),
      ),
      oneOf: Object.values(variants).map(({ required }) => ({ required })),
      additionalProperties: false,
    }),
    read: (spot) => {
      if (spot.kind !== 'mapping')
        return spot.mistake(`${what} is a mapping with one of ${words.join(', ')}; got ${spot.describe()}`);
      const entries = spot.entries;
      const [first, second] = entries.filter(({ name }) => words.includes(name));
      if (first === undefined) {
        const strange = entries.find(({ name }) => !common.has(name));
        const hint = strange === undefined ? '' : hintFor(strange.name);
        if (strange !== undefined && hint !== '')
          return strange.key.mistake(`${what} cannot have "${strange.name}"${hint}`);
        const got = strange === undefined ? '' : `; got "${strange.name}"`;
        return (strange?.key ?? spot).mistake(`${what} has exactly one of ${words.join(', ')}${got}`);
      }
      if (second !== undefined) {
        return second.key.mistake(`${what} does one thing: make two of "${first.name}" and "${second.name}"`);
      }
      return variants[first.name]?.read(spot);
    },
  };
}

/** The same without undefined values. It turns optional keys of YAML into optional keys of a type. */
export function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const there = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
