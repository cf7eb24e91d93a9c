import validRange from 'semver/ranges/valid.js';
import { didYouMean } from './did-you-mean.ts';
import { text } from './scalar-shapes.ts';
import type { Scope } from './scope.ts';
import { mapOf, mapped, notEmpty, type Shape } from './shape.ts';

/** Components whose version a branch may ask for, whether or not there is an axis of that name. */
const COMPONENTS = ['containerd', 'runc', 'cni-plugins', 'crictl'];

/** `when: { containerd: '>=1.6.0 <1.6.4' }`: component or axis → range, or the very text of an axis' value. */
export function whenShape(scope: Scope): Shape<Readonly<Record<string, string>>> {
  const condition = mapOf(text(), {
    key: (name, spot) => {
      const known = [...new Set([...COMPONENTS, ...scope.axes.keys()])];
      if (!known.includes(name)) {
        spot.mistake(
          `"${name}" is neither a component nor an axis${didYouMean(name, known) || ';'} known: ${known.join(', ')}`,
        );
      }
    },
    build: (range, name, key) => ({ range, name, key }),
  });
  const named = notEmpty(condition, 'name a component or an axis, or leave it out');
  return mapped(named, (entries, spot) => {
    for (const { range, name, key } of entries) {
      const values = (scope.axes.get(name) ?? []).map((value) => value.text);
      if (values.includes(range) || (range.trim() !== '' && validRange(range) !== null)) continue;
      const shown = values.map((value) => (value === '' ? "''" : value)).join(', ');
      const orValue = values.length === 0 ? '' : `, or one of the axis' values (${shown})`;
      (spot.entries.find((entry) => entry.name === name)?.value ?? key).mistake(
        `wanted a range such as ">=1.6.0 <1.6.4"${orValue}; got ${JSON.stringify(range)}`,
      );
    }
    return Object.fromEntries(entries.map(({ name, range }) => [name, range]));
  });
}
