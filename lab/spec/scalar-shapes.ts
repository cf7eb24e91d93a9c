import { didYouMean } from './did-you-mean.ts';
import type { JsonObject, JsonValue } from './scenario.ts';
import { allRead, type Shape } from './shape.ts';
import type { Spot } from './spot.ts';

/** A text; a number counts as one, by its very characters, so that versions need no quotes. */
export const text = ({
  wanted = 'a text',
  pattern,
}: { wanted?: string; pattern?: RegExp } = {}): Shape<string> => ({
  wanted,
  schema: () => ({
    type: ['string', 'number'],
    ...(pattern === undefined ? {} : { pattern: pattern.source }),
  }),
  read: (spot) => {
    const value = spot.text;
    if (spot.kind === 'boolean')
      return spot.mistake(`wanted ${wanted}; got ${spot.describe()}: put it in quotes`);
    return value === undefined || pattern?.test(value) === false ? spot.wants(wanted) : value;
  },
});

export const word = <const W extends string>(words: readonly W[]): Shape<W> => {
  const wanted = words.length === 1 ? `"${words[0] ?? ''}"` : `one of ${words.join(', ')}`;
  return {
    wanted,
    schema: () => ({ enum: words }),
    read: (spot) =>
      words.find((known) => known === spot.text) ??
      spot.mistake(`wanted ${wanted}; got ${spot.describe()}${didYouMean(spot.text ?? '', words)}`),
  };
};

export const wholeNumber = ({ min, max }: { min: number; max?: number }): Shape<number> => {
  const wanted = `a whole number from ${min}${max === undefined ? '' : ` to ${max}`}`;
  return {
    wanted,
    schema: () => ({ type: 'integer', minimum: min, ...(max === undefined ? {} : { maximum: max }) }),
    read: (spot) => {
      const value = spot.scalar;
      const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= min;
      return fits && (max === undefined || value <= max) ? value : spot.wants(wanted);
    },
  };
};

export const bool: Shape<boolean> = {
  wanted: 'true or false',
  schema: () => ({ type: 'boolean' }),
  read: (spot) => (typeof spot.scalar === 'boolean' ? spot.scalar : spot.wants('true or false')),
};

/** For steps without anything to say: `stop-containerd:` or `stop-containerd: {}`. */
export const nothing: Shape<null> = {
  wanted: 'nothing',
  schema: () => ({ anyOf: [{ type: 'null' }, { type: 'object', maxProperties: 0 }] }),
  read: (spot) => {
    const empty = spot.kind === 'nothing' || (spot.kind === 'mapping' && spot.entries.length === 0);
    return empty ? null : spot.wants('nothing after the colon');
  },
};

/** A mapping of anything that JSON can hold; `check` sees every text in it, keys too. */
export const jsonObject = (check: (text: string, spot: Spot) => unknown): Shape<JsonObject> => {
  const readValue = (spot: Spot): JsonValue | undefined => {
    if (spot.kind === 'mapping') return readObject(spot);
    if (spot.kind === 'list') return allRead(spot.items.map(readValue));
    const value = spot.scalar;
    if (typeof value === 'number' && !Number.isFinite(value)) return spot.wants('what JSON can hold');
    if (typeof value === 'string') check(value, spot);
    return value;
  };
  const readObject = (spot: Spot): JsonObject | undefined => {
    const pairs = spot.entries.map(({ name, key, value }) => {
      check(name, key);
      const read = readValue(value);
      return read === undefined ? undefined : ([name, read] as const);
    });
    const sound = allRead(pairs);
    return sound === undefined ? undefined : Object.fromEntries(sound);
  };
  return {
    wanted: 'a mapping',
    schema: () => ({ type: 'object' }),
    read: (spot) => (spot.kind === 'mapping' ? readObject(spot) : spot.wants('a mapping')),
  };
};
