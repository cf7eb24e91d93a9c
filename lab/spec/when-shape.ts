import { text } from './scalar-shapes.ts';
import { mapOf, mapped, notEmpty, type Shape } from './shape.ts';

const condition = notEmpty(
  mapOf(text(), {
    key: (name, spot) => spot.mention({ kind: 'when-name', name }),
    build: (range, name, key) => ({ range, name, key }),
  }),
  'name a component or an axis, or leave it out',
);

/** `when: { runc: '>=1.1.0 <1.1.15' }`: component or axis → range, or the very text of an axis' value. */
export const whenShape: Shape<Readonly<Record<string, string>>> = mapped(condition, (entries, spot) => {
  for (const { range, name, key } of entries) {
    const at = spot.entries.find((entry) => entry.name === name)?.value ?? key;
    at.mention({ kind: 'when-range', name, range });
  }
  return Object.fromEntries(entries.map(({ name, range }) => [name, range]));
});
