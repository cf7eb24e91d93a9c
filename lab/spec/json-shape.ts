import type { Scope, Reach } from './scope.ts';
import { allRead, type Shape } from './shape.ts';
import type { Spot } from './spot.ts';
import { isJsonNumber, isKeptByDoubles, type WrittenJson, type WrittenObject } from './written-json.ts';

export interface JsonOptions {
  /** what texts in it may refer to */
  readonly reach: Reach;
  /** JSON is written as the file has it; what becomes TOML goes through this program's own numbers */
  readonly numbers: 'as written' | 'doubles';
}

/** A mapping of anything that JSON can hold. Nothing in it may change on its way: what would is a mistake. */
export function jsonShape(scope: Scope, { reach, numbers }: JsonOptions): Shape<WrittenObject> {
  const check = (text: string, spot: Spot) => scope.checkText(text, { spot, reach });

  const checkNumber = (source: string, spot: Spot): boolean => {
    if (!isJsonNumber(source)) {
      const same = Number(source.replace(/^([+-]?)0+(?=\d)/, '$1'));
      const asJson = Number.isFinite(same) ? `write ${same}, or ` : '';
      spot.mistake(`JSON has no number ${source}: ${asJson}put it in quotes for a text`);
      return false;
    }
    if (numbers === 'doubles' && !isKeptByDoubles(source)) {
      spot.mistake(`the number ${source} cannot be kept here: it would become ${Number(source)}`);
      return false;
    }
    return true;
  };

  const readAxis = (text: string): WrittenJson => {
    const axis = AXIS.exec(text)?.[1] ?? '';
    for (const { text: value, plain, spot } of scope.axes.get(axis) ?? []) {
      if (plain && value !== 'true' && value !== 'false') checkNumber(value, spot);
    }
    return { is: 'axis', text };
  };

  const readValue = (spot: Spot): WrittenJson | undefined => {
    if (spot.kind === 'mapping') return readObject(spot);
    if (spot.kind === 'list') {
      const items = allRead(spot.items.map(readValue));
      return items === undefined ? undefined : { is: 'list', items };
    }
    const text = spot.text ?? '';
    if (spot.kind === 'number') {
      return checkNumber(text, spot) ? { is: 'plain', source: text } : undefined;
    }
    if (spot.kind !== 'text') return { is: 'plain', source: String(spot.scalar) };
    check(text, spot);
    return spot.unquoted && AXIS.test(text) ? readAxis(text) : { is: 'text', text };
  };

  const readObject = (spot: Spot): WrittenObject | undefined => {
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
