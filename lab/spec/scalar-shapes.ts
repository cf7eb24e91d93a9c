import { didYouMean } from './diagnostic.ts';
import { parseTime } from './limits.ts';
import { type Shape, mapOf, mapped, notEmpty } from './shape.ts';

/** A text. A number is accepted as its exact characters, so that versions need no quotes. */
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

/** For steps without arguments: `stop-runtime:` or `stop-runtime: {}`. */
export const nothing: Shape<null> = {
  wanted: 'nothing',
  schema: () => ({ anyOf: [{ type: 'null' }, { type: 'object', maxProperties: 0 }] }),
  read: (spot) => {
    const empty = spot.kind === 'nothing' || (spot.kind === 'mapping' && spot.entries.length === 0);
    return empty ? null : spot.wants('nothing after the colon');
  },
};

const condition = notEmpty(
  mapOf(text(), {
    key: (name, spot) => spot.mention({ kind: 'when-name', name }),
    build: (range, name, key) => ({ range, name, key }),
  }),
  'name a component or an axis, or leave it out',
);

/** `when: { runc: '>=1.1.0 <1.1.15' }`: component or axis → range, or the exact value of an axis. */
export const whenShape: Shape<Readonly<Record<string, string>>> = mapped(condition, (entries, spot) => {
  for (const { range, name, key } of entries) {
    const at = spot.entries.find((entry) => entry.name === name)?.value ?? key;
    at.mention({ kind: 'when-range', name, range });
  }
  return Object.fromEntries(entries.map(({ name, range }) => [name, range]));
});
/** In milliseconds. */
export const timeShape: Shape<number> = mapped(
  text({ wanted: 'a time such as 30s, 500ms, 2m or 1h', pattern: /^\d+(ms|s|m|h)$/ }),
  (value, spot) => {
    const time = parseTime(value);
    return time.ok ? time.value : spot.mistake(`${time.error}; got "${value}"`);
  },
);
