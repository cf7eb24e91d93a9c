import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CAPTURE_TYPES, formatTemplate, parseTemplate, type TemplatePart } from '../../lab/spec/template.ts';

test('a text is parsed into literals, references and captures', () => {
  expect(parseTemplate('sandbox "${web.id}" on ${matrix.containerd}, task ${task:hash}, ${task}')).toEqual({
    ok: true,
    value: [
      { kind: 'literal', text: 'sandbox "' },
      { kind: 'ref', name: 'web.id' },
      { kind: 'literal', text: '" on ' },
      { kind: 'ref', name: 'matrix.containerd' },
      { kind: 'literal', text: ', task ' },
      { kind: 'capture', name: 'task', type: 'hash' },
      { kind: 'literal', text: ', ' },
      { kind: 'ref', name: 'task' },
    ],
  });
});

test('two dollars before a brace mean one, so that any text can be written', () => {
  const literalOf = (text: string) => parseTemplate(text);
  expect(literalOf('a $${b} $c {d}')).toEqual({
    ok: true,
    value: [{ kind: 'literal', text: 'a ${b} $c {d}' }],
  });
  expect(literalOf('$$$${')).toEqual({ ok: true, value: [{ kind: 'literal', text: '$${' }] });
  expect(literalOf('$$${web.ip}')).toEqual({
    ok: true,
    value: [
      { kind: 'literal', text: '$' },
      { kind: 'ref', name: 'web.ip' },
    ],
  });
});

test('anything else after a dollar and a brace is a mistake with a solution', () => {
  expect(parseTemplate('${A_B} ${x:hex} ${open')).toEqual({
    ok: false,
    error: [
      {
        message:
          'wanted ${POD.id}, ${matrix.AXIS} or ${NAME:TYPE}; got "${A_B}"; write "$${" for the characters themselves',
        snippet: '${A_B}',
      },
      { message: 'a capture is one of id, uuid, ip, number, hash, word; got "hex"', snippet: '${x:hex}' },
      { message: '"${" has no "}"; write "$${" for the characters themselves', snippet: '${open' },
    ],
  });
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const part: fc.Arbitrary<TemplatePart> = fc.oneof(
  fc.record({ kind: fc.constant('literal' as const), text: fc.stringMatching(/^[${}a:.]{1,6}$/) }),
  fc.record({ kind: fc.constant('ref' as const), name: fc.tuple(name, name).map((pair) => pair.join('.')) }),
  fc.record({ kind: fc.constant('capture' as const), name, type: fc.constantFrom(...CAPTURE_TYPES) }),
);

test('a formatted template is parsed to the same parts, whatever the literals', () => {
  const joined = (parts: readonly TemplatePart[]) =>
    parts.reduce<TemplatePart[]>((all, next) => {
      const last = all.at(-1);
      if (last?.kind !== 'literal' || next.kind !== 'literal') return [...all, next];
      return [...all.slice(0, -1), { kind: 'literal', text: last.text + next.text }];
    }, []);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      expect(parseTemplate(formatTemplate(parts))).toEqual({ ok: true, value: joined(parts) });
    }),
  );
});
