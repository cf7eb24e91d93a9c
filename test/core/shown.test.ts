import { expect, test } from 'vitest';
import { quoted, shown, shownLine, withoutCommands } from '../../lab/core/content.ts';

test.each([
  ['plain é 漢 😀 \t\n', 'plain é 漢 😀 \t\n'],
  ['\u001b[31mred\u001b]0;title\u0007', '\\u001b[31mred\\u001b]0;title\\u0007'],
  ['a\rb\bc\u007f\u0000', 'a\\u000db\\u0008c\\u007f\\u0000'],
  ['\u009b31m\u0085', '\\u009b31m\\u0085'],
  ['\u202ertl\u2066\u200b\ufeff', '\\u202ertl\\u2066\\u200b\\ufeff'],
  ['a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['\udcff\u{e0001}', '\\udcff\\udb40\\udc01'],
])('%j is shown as %j', (text, as) => {
  expect(shown(text)).toBe(as);
});

test('JSON has the same meaning when it is shown', () => {
  const value = { 'a\u202e': ['\u001b', '\u0085\u{e0001}', '\udcff', 'é'] };
  expect(JSON.parse(shown(JSON.stringify(value, null, 2)))).toEqual(value);
});

test('a line that is too long is cut, with its length and where to find the whole text', () => {
  const line = `${'A'.repeat(1999)}😀${'B'.repeat(1_000_000)}`;
  expect(shownLine(line, { whole: 'verdict.json' })).toBe(
    `${'A'.repeat(1999)}… (1002001 characters, all of them in verdict.json)`,
  );
});

test.each([
  ['a b', '"a b"'],
  ['did not answer "exec"', `'did not answer "exec"'`],
  [`it's "x"`, '`it\'s "x"`'],
  ['two\nlines \\', '"two\\nlines \\"'],
])('%j is quoted as %s', (text, as) => {
  expect(quoted(text)).toBe(as);
});

test.each([
  ['::error::hi', '\\::error::hi'],
  ['one\n   ::set-output name=a::b\nthree', 'one\n   \\::set-output name=a::b\nthree'],
  ['\u0085\t::stop-commands::x', '\u0085\t\\::stop-commands::x'],
  ['a line with ##[error]in it, and ##[group]', 'a line with ##\\[error]in it, and ##\\[group]'],
  // these are no commands: an address, words that stand after others, a line without an end of a command
  ['::1 localhost', '::1 localhost'],
  ['lab: ::error::hi', 'lab: ::error::hi'],
  ['::warning\n::', '::warning\n::'],
])('a line that GitHub would take for a command is a text: %j', (text, as) => {
  expect(withoutCommands(text)).toBe(as);
});
