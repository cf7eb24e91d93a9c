import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseScenario } from '../../lab/spec/scenario-shape.ts';
import { literally } from '../../lab/spec/template.ts';
import { ALONE, mistakesOf } from './read.ts';

const SOUND = `name: s
summary: s
matrix: { containerd: [1.6.3, 1.6.4] }
node: { containerd: '\${matrix.containerd}', cni-config: { a.conf: &a { name: a } } }
steps:
  - run-pod: web
    expect: [{ when: { containerd: '<1.6.4' }, error: 'x \${web.id} \${h:hash}' }, { when: { containerd: 1.6.4 }, ok: true }]
  - write-cni-config: { a.conf: { <<: *a, type: ptp } }
expect: { left-behind: { netns: 1 } }
`;

const parse = (text: string) => parseScenario({ file: 's.yaml', text, ...ALONE });

test('no text typed into a valid file makes the parser throw', () => {
  const insert = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '&a ',
    '*a',
    '<<: ',
    '${',
    '!x ',
    '\n',
    '  ',
    '- ',
    ': ',
    "'",
    '"',
    '|',
    '\t',
    '\u0000',
    '? ',
    '%',
    '---\n',
  );
  const edit = fc.tuple(fc.nat(SOUND.length), fc.nat(12), insert);
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const text = edits.reduce(
        (before, [at, cut, added]) => before.slice(0, at) + added + before.slice(at + cut),
        SOUND,
      );
      const parsed = parse(text);
      expect(parsed.ok || parsed.error.length > 0).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['an alias within itself', 'a: &a [*a, *a]\nname: *a\n'],
  [
    'a billion laughs',
    `node: &n0 { a: b }\n${Array.from({ length: 30 }, (_, i) => `k${i}: &n${i + 1} [*n${i}, *n${i}, *n${i}]`).join('\n')}\nsteps: *n30\n`,
  ],
  ['a hundred thousand brackets', '['.repeat(100_000)],
])('%s is a mistake, not the end', (_what, text) => {
  expect(parse(text).ok).toBe(false);
});

const name = fc
  .stringMatching(/^[a-z]([a-z0-9-]{0,6}[a-z0-9])?$/)
  .filter((word) => !['matrix', 'listed', 'node', 'none', 'null', 'true', 'false'].includes(word));
const version = fc.tuple(fc.nat(3), fc.nat(30), fc.nat(40)).map((parts) => parts.join('.'));
const quoted = fc.string({ maxLength: 20 }).map((text) => JSON.stringify(literally(text)));

test('every file that follows the rules is valid', () => {
  const sound = fc.record({
    name,
    summary: fc.stringMatching(/^[a-z ]{1,20}$/),
    version,
    pod: name,
    other: name,
    quoted,
  });
  fc.assert(
    fc.property(sound, ({ name: title, summary, version: exact, pod, other, quoted: text }) => {
      const file = `name: ${title}
summary: ${JSON.stringify(summary)}
matrix: { containerd: [${exact}] }
node: { containerd: '\${matrix.containerd}', cni-plugins: none }
pods: { ${pod}: { labels: { a: b } } }
steps:
  - run-pod: ${pod}
    expect: { error: ${text} }
  - run-pod: ${other}
    expect: { when: { containerd: ${JSON.stringify(exact)} }, ok: true }
  - exec: [echo, '\${${pod}.id}', ${text}]
`;
      expect(mistakesOf(file)).toBe('');
    }),
  );
});
