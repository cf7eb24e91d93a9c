import { expect, test } from 'vitest';
import { mistakesOf, scenarioOf } from './read.ts';

const file = (mapping: string) => `name: s
summary: s
node: { containerd: 1.6.4, cni-config: { a.conf: ${mapping} } }
steps: [{ run-pod: web }]
`;

test('a mapping becomes JSON with its numbers as written and its keys in their order', () => {
  const mapping =
    '{ z: 9007199254740993, "10": 1.0, "9": 1e3, a: -0, b: !!str 5, c: 2001-01-01, d: ~, 1.50: yes, e: [{}, []] }';
  expect(scenarioOf(file(mapping)).nodes[0]?.cniConfig[0]?.content).toBe(`{
  "z": 9007199254740993,
  "10": 1.0,
  "9": 1e3,
  "a": -0,
  "b": "5",
  "c": "2001-01-01",
  "d": null,
  "1.50": "yes",
  "e": [
    {},
    []
  ]
}
`);
});

test.each([
  ['{ n: 0x10 }', 'JSON has no number 0x10: write 16, or put it in quotes for a text'],
  ['{ n: 0o17 }', 'JSON has no number 0o17: write 15, or put it in quotes for a text'],
  ['{ n: 010 }', 'JSON has no number 010: write 10, or put it in quotes for a text'],
  ['{ n: +1 }', 'JSON has no number +1: write 1, or put it in quotes for a text'],
  ['{ n: .5 }', 'JSON has no number .5: write 0.5, or put it in quotes for a text'],
  ['{ n: .inf }', 'JSON has no number .inf: put it in quotes for a text'],
  ['{ n: !!set { a } }', 'a scenario has no values of type !!set'],
  ['{ n: !!binary aGk= }', 'a scenario has no values of type !!binary'],
  ['{ n: !!timestamp 2001-01-01 }', 'a scenario has no values of type !!timestamp'],
  ['{ n: !own x }', 'this is not YAML'],
  ['{ [a]: b }', 'wanted a text as key; got a list'],
])('%s is a mistake', (mapping, message) => {
  expect(mistakesOf(file(mapping))).toContain(message);
});

test('a number that would be changed in TOML is a mistake', () => {
  const text = `name: s
summary: s
node: { containerd: 1.6.4, runtime-config: { a: 1.0, b: 9007199254740993, c: 5, d: 0.5 } }
steps: [{ run-pod: web }]
`;
  expect(mistakesOf(text).match(/the number.*/g)).toEqual([
    'the number 1.0 cannot be kept here: it would become 1',
    'the number 9007199254740993 cannot be kept here: it would become 9007199254740992',
  ]);
});
