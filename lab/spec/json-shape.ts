import type { NumbersKept, Reach } from './mention.ts';
import { allRead, type Shape } from './shape.ts';
import type { YamlValue } from './yaml-value.ts';
import { numberMistake, type WrittenJson, type WrittenObject } from './written-json.ts';

export interface JsonOptions {
  /** what texts in it may refer to */
  readonly reach: Reach;
  readonly numbers: NumbersKept;
}

/** A mapping of anything that JSON can hold. Nothing in it may change on its way: what would is a mistake. */
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
