import { expect, test } from 'vitest';

import { mistakesOf } from './read.ts';

const file = (expectation: string) =>
  `name: s\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps:\n  - run-pod: web\n    expect: ${expectation}\n`;

test.each([
  ['{}', 'this says nothing; leave "expect" out, or write "ok: true"'],
  [
    '{ pod: {} }',
    'this says nothing; write the state or the addresses that the pod must have, or what is left behind of it',
  ],
  ['{ pods: {} }', 'this says nothing; write "none", or the pods that are meant'],
  [
    '{ pods: { web: {} } }',
    'this says nothing; write the state or the addresses that the pod must have, or what is left behind of it',
  ],
  ['{ left-behind: {} }', 'this says nothing; write "none", or the kinds of things that are left'],
  ['{ log: [] }', 'wanted a list of at least one; this one is empty'],
  ['{ when: {} }', 'this says nothing; name a component or an axis, or leave it out'],
  ['{ log: { message: x, fields: {} } }', 'this says nothing; name a field, or leave it out'],
  [
    "{ error: { contains: '', why: x } }",
    'every text contains this; write some of the words that must be there',
  ],
  [
    "{ error: { contains: ' ', why: x } }",
    'every text contains this; write some of the words that must be there',
  ],
  [
    "{ log: { message: { contains: '${x:word}', why: x } } }",
    'every text contains this; write some of the words that must be there',
  ],
])('an expectation that would hold whatever happens is a mistake: %s', (expectation, message) => {
  expect(mistakesOf(file(expectation))).toContain(` ${message}\n`);
});

test.each(["{ error: { contains: '${x:ip}', why: x } }", "{ error: { contains: '${web.id}', why: x } }"])(
  'a text that is a single capture of a fixed form is a valid expectation: %s',
  (expectation) => {
    expect(mistakesOf(file(expectation))).toBe('');
  },
);

test('a text that is empty in one of the cells is a mistake', () => {
  const text = `name: s
summary: s
matrix: { part: ['', x] }
node: { containerd: 1.6.4 }
steps:
  - run-pod: web
    expect: { error: { contains: '\${matrix.part}', why: x } }
`;
  expect(mistakesOf(text)).toContain(
    's.yaml:7:34 every text contains this; write some of the words that must be there\n',
  );
});
