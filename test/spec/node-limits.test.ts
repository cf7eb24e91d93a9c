import { expect, test } from 'vitest';

import { err, ok } from '../../lab/core/lab-error.ts';
import { parseLimit } from '../../lab/spec/limits.ts';

test.each([
  ['memory=512MiB', { memoryBytes: 512 * 1024 ** 2 }],
  ['processes=500', { processes: 500 }],
  ['tmpfs=1GiB', { tmpfsBytes: 1024 ** 3 }],
])('%s is a limit', (text, limits) => {
  expect(parseLimit(text)).toEqual(ok(limits));
});

test.each([
  ['memory=1MiB', 'a node needs at least 64MiB'],
  ['memory=lots', 'wanted a size such as 512MiB or 2GiB; got "lots"'],
  ['processes=3', 'wanted a whole number from 50; got "3"'],
  ['processes=many', 'wanted a whole number from 50; got "many"'],
  ['512MiB', 'wanted memory=…, processes=…, tmpfs=…; got "512MiB"'],
  ['memroy=1GiB', 'wanted memory=…, processes=…, tmpfs=…; got "memroy=1GiB"; did you mean "memory"?'],
])('%s is none', (text, mistake) => {
  expect(parseLimit(text)).toEqual(err(mistake));
});
