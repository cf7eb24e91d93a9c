import { expect, test } from 'vitest';

import { firstAddress, parseIp, parsePrefix } from '../../lab/judge/networks.ts';

test.each([
  ['fd00::1', 'fd00:0:0:0:0:0:0:1'],
  ['::', '0:0:0:0:0:0:0:0'],
  ['FD00::', 'fd00::0'],
])('%s and %s are one address', (one, other) => {
  expect(parseIp(one)).toBeDefined();
  expect(parseIp(one)).toEqual(parseIp(other));
});

test.each(['', '10.0.0', '10.0.0.256', 'a', '1:2:3', '1::2::3', 'fd00::g', '1:2:3:4:5:6:7:8::'])(
  '"%s" is not an address',
  (text) => {
    expect(parseIp(text)).toBeUndefined();
  },
);

test.each([
  ['10.88.0.0/16', '10.88.0.1'],
  ['10.88.7.9/16', '10.88.0.1'],
  ['fd00::/64', 'fd00::1'],
])('the first address of %s is %s', (prefix, first) => {
  const parsed = parsePrefix(prefix);
  expect(parsed && firstAddress(parsed)).toEqual(parseIp(first));
});
