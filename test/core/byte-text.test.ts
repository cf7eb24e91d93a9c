import { expect, test } from 'vitest';
import { byteOf, bytesOfText } from '../../lab/core/content.ts';

test('a text becomes its original bytes, including those that are not UTF-8', () => {
  expect([...bytesOfText('a\udcff\udcfeé')]).toEqual([0x61, 0xff, 0xfe, 0xc3, 0xa9]);
  expect([...bytesOfText('\u{10080}')]).toEqual([0xf0, 0x90, 0x82, 0x80]); // its second half is within that range
  expect(bytesOfText('')).toHaveLength(0);
});

test('only half a surrogate pair is a byte', () => {
  expect(['\udcff', '\udc80', '\u{10080}', 'a', '\ufffd', ''].map(byteOf)).toEqual([
    0xff,
    0x80,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
