import { expect, test } from 'vitest';

import { positionOf, showDifference } from '../../lab/judge/difference.ts';

const shown = (expected: string, actual: string): string => {
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at++;
  return showDifference({ expected, expectedAt: at, actual, at }).join('\n');
};

test('the pointer is below the first difference', () => {
  expect(shown('name "web" is reserved', 'name "wed" is reserved')).toBe(
    `
expected  name "web" is reserved
actual    name "wed" is reserved
                  ^ first difference`.slice(1),
  );
  expect(positionOf({ actual: 'name "wed" is reserved', at: 8 })).toBe(9);
});

test('a text that is longer or shorter than expected is described as such', () => {
  expect(shown('ready', 'ready.')).toBe(
    `
expected  ready
actual    ready.
               ^ first difference: nothing more was expected`.slice(1),
  );
  expect(shown('ready.', 'ready')).toBe(
    `
expected  ready.
actual    ready
               ^ first difference: it ends here`.slice(1),
  );
});

test('invisible characters are shown and named', () => {
  expect(shown('a b', 'a\tb')).toBe(
    `
expected  a b
actual    a␉b
           ^ first difference: expected a space, actual a tab`.slice(1),
  );
  expect(shown('one\ntwo', 'one\r\ntwo')).toBe(
    `
expected  one␊two
actual    one␍␊two
             ^ first difference: expected a line break, actual a carriage return`.slice(1),
  );
  expect(shown('café x', 'cafe\u0301\u00a0x')).toBe(
    `
expected  café x
actual    cafe<U+0301><U+00A0>x
             ^ first difference: expected U+00E9, actual "e"`.slice(1),
  );
});

test('wide characters shift the pointer', () => {
  expect(shown('网络 a', '网络 b')).toBe(
    `
expected  网络 a
actual    网络 b
               ^ first difference`.slice(1),
  );
});

test('a long text is cut around the difference, and then shown in full', () => {
  const before = 'x'.repeat(60);
  const after = 'y'.repeat(90);
  expect(shown(`${before}1${after}`, `${before}2${after}`)).toBe(
    `
expected  …${'x'.repeat(40)}1${'y'.repeat(55)}…
actual    …${'x'.repeat(40)}2${'y'.repeat(55)}…
          ${' '.repeat(41)}^ first difference
actual in full  ${before}2${after}`.slice(1),
  );
});

test('an expected part is aligned with the nearest match', () => {
  expect(
    showDifference({ expected: 'not found', expectedAt: 7, actual: 'it was not fouled', at: 14 }),
  ).toEqual([
    'expected         not found',
    'actual    it was not fouled',
    '                        ^ first difference',
  ]);
});

test('a short text and a long one are cut at the same place', () => {
  const before = 'x'.repeat(60);
  expect(shown(`${before}1`, `${before}2${'y'.repeat(40)}`)).toBe(
    `
expected  …${'x'.repeat(40)}1
actual    …${'x'.repeat(40)}2${'y'.repeat(40)}
          ${' '.repeat(41)}^ first difference
actual in full  ${before}2${'y'.repeat(40)}`.slice(1),
  );
});
