import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { matchExact, matchPart } from '../../lab/match/text.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

describe('an exact text', () => {
  test('is compared byte for byte', () => {
    expect(matchExact('name "web" is reserved', 'name "wed" is reserved', new Map())).toEqual({
      matched: false,
      at: 8,
      expectedAt: 8,
      expected: 'name "web" is reserved',
    });
  });

  test('may not be longer or shorter', () => {
    expect(matchExact('ready', 'ready.', new Map())).toEqual({
      matched: false,
      at: 5,
      expectedAt: 5,
      expected: 'ready',
    });
    expect(matchExact('ready', 'read', new Map())).toEqual({
      matched: false,
      at: 4,
      expectedAt: 4,
      expected: 'ready',
    });
  });

  test('is not a regular expression', () => {
    expect(matchExact('a.c', 'abc', new Map()).matched).toBe(false);
    expect(matchExact('(a|b)*', '(a|b)*', new Map()).matched).toBe(true);
  });

  test('has known values filled in', () => {
    const known = new Map([['web.id', A]]);
    expect(matchExact('sandbox "${web.id}"', `sandbox "${A}"`, known)).toEqual({
      matched: true,
      bindings: known,
      expected: `sandbox "${A}"`,
    });
    expect(matchExact('sandbox "${web.id}"', `sandbox "${B}"`, known)).toEqual({
      matched: false,
      at: 9,
      expectedAt: 9,
      expected: `sandbox "${A}"`,
    });
  });

  test('binds an unknown id to 64 hex digits and to nothing else', () => {
    expect(matchExact('sandbox "${web.id}"', `sandbox "${A}"`, new Map())).toEqual({
      matched: true,
      bindings: new Map([['web.id', A]]),
      expected: `sandbox "${A}"`,
    });
    for (const other of ['', 'a'.repeat(63), 'a'.repeat(65), 'A'.repeat(64)]) {
      expect(matchExact('sandbox "${web.id}"', `sandbox "${other}"`, new Map()).matched).toBe(false);
    }
  });

  test('needs the same value for a name everywhere', () => {
    expect(matchExact('${web.id} ${web.id}', `${A} ${A}`, new Map()).matched).toBe(true);
    expect(matchExact('${web.id} ${web.id}', `${A} ${B}`, new Map())).toEqual({
      matched: false,
      at: 65,
      expectedAt: 65,
      expected: `${A} ${A}`,
    });
    expect(matchExact('${n:number} of ${n:number}', '12 of 12', new Map()).matched).toBe(true);
    expect(matchExact('${n:number} of ${n:number}', '12 of 13', new Map()).matched).toBe(false);
  });

  test('binds a typed capture again, and a name without a type keeps its value', () => {
    const first = matchExact('attempt ${n:number}', 'attempt 1', new Map());
    if (!first.matched) throw new Error('not matched');
    expect(matchExact('attempt ${n}', 'attempt 2', first.bindings).matched).toBe(false);
    expect(matchExact('attempt ${n:number}', 'attempt 2', first.bindings)).toEqual({
      matched: true,
      bindings: new Map([['n', '2']]),
      expected: 'attempt 2',
    });
  });

  test('lets a capture release characters that the rest of the text needs', () => {
    expect(matchExact('${w:word}-1', 'cni-abc-1', new Map())).toEqual({
      matched: true,
      bindings: new Map([['w', 'cni-abc']]),
      expected: 'cni-abc-1',
    });
  });

  test.each([
    ['uuid', '123e4567-e89b-12d3-a456-426614174000', '123e4567'],
    ['ip', '10.88.0.2', '10.88'],
    ['ip', '2001:db8::2', 'db8'],
    ['number', '42', '4x'],
    ['hash', 'deadbeef', 'xyz'],
    ['word', 'cni0', 'cni 0'],
  ])('a capture of type %s takes %s and not %s', (type, good, bad) => {
    expect(matchExact(`<\${x:${type}}>`, `<${good}>`, new Map()).matched).toBe(true);
    expect(matchExact(`<\${x:${type}}>`, `<${bad}>`, new Map()).matched).toBe(false);
  });

  test('takes $${ as the characters themselves', () => {
    expect(matchExact('$${web.id}', '${web.id}', new Map()).matched).toBe(true);
  });

  test('without captures is compared for equality, and the first difference is the real one', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\n', '\\', 'é', '.') });
    fc.assert(
      fc.property(texts, texts, (expected, actual) => {
        const match = matchExact(expected, actual, new Map());
        expect(match.matched).toBe(expected === actual);
        if (match.matched) return;
        expect(actual.slice(0, match.at)).toBe(expected.slice(0, match.at));
        expect(actual[match.at]).not.toBe(expected[match.at]);
      }),
    );
  });
});

describe('a part of a text', () => {
  test('may be anywhere', () => {
    expect(matchPart('is the ${n:number}th', 'this is the 12th time', new Map())).toEqual({
      matched: true,
      bindings: new Map([['n', '12']]),
      expected: 'is the 12th',
    });
  });

  test('that is missing is shown beside the nearest match', () => {
    expect(matchPart('not found', 'it is not founded, not foumd', new Map()).matched).toBe(true);
    expect(matchPart('not found', 'it was not fouled', new Map())).toEqual({
      matched: false,
      at: 14,
      expectedAt: 7,
      expected: 'not found',
    });
  });
});

describe('a long text', () => {
  const long = 'a'.repeat(20_000);

  test.each(['${a:word} failed', '${a:word}${b:word}${c:word} x', '${a:hash}${b:ip}${c:number}!'])(
    'without spaces is searched for %s in linear time',
    (template) => {
      expect(matchPart(template, long, new Map()).matched).toBe(false);
      expect(matchExact(template, long, new Map()).matched).toBe(false);
    },
  );

  test('in which a name has too many possible values is undecided', () => {
    expect(matchPart('${a:word}${a} x', long, new Map())).toMatchObject({ matched: false, undecided: true });
  });

  test('of a megabyte is compared to its end', () => {
    const text = `${'plugin said no\n'.repeat(70_000)}plugin bridge failed`;
    expect(matchPart('plugin ${p:word} failed', text, new Map())).toMatchObject({
      matched: true,
      bindings: new Map([['p', 'bridge']]),
    });
  });
});
