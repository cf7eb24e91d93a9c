import { expect, test } from 'vitest';
import { mergeTables, readConfigTables } from '../../lab/spec/config-tables.ts';
import { valueOf, writtenOf } from '../../lab/spec/written-json.ts';

const read = (file: string, text: string): unknown => {
  const tables = readConfigTables({ file, text });
  return tables.ok ? valueOf(tables.value) : tables.error;
};

test.each([
  ['a.toml', '[debug]\nlevel = "debug"\n[plugins."a.b"]\nlist = [1, 2]\non = true\nhalf = 0.5\n'],
  ['a.yaml', 'debug: { level: debug }\nplugins:\n  a.b: { list: [1, 2], on: true, half: 0.5 }\n'],
])('tables are read from %s', (file, text) => {
  expect(read(file, text)).toEqual({
    debug: { level: 'debug' },
    plugins: { 'a.b': { list: [1, 2], on: true, half: 0.5 } },
  });
});

test.each([
  ['a.toml', 'a = 1.0\n', 'a.toml cannot be read as TOML: the value 1 cannot be kept as it is written'],
  [
    'a.toml',
    'a = 9007199254740993\n',
    'a.toml cannot be read as TOML: the value 9007199254740993 cannot be kept as it is written',
  ],
  ['a.toml', 'a = 1979-05-27\n', 'a.toml cannot be read as TOML: the value'],
  ['a.toml', 'a = \n', 'a.toml cannot be read as TOML: Invalid TOML document'],
  ['a.yaml', 'a: 0x10\n', 'a.yaml:1:4 JSON has no number 0x10'],
  ['a.yaml', '- a\n', 'a.yaml:1:1 wanted a mapping; got a list'],
])('%s with %j is refused', (file, text, message) => {
  expect(read(file, text)).toContain(message);
});

test('tables are merged key by key', () => {
  const merged = mergeTables(writtenOf({ a: { b: 1, c: 2 }, d: 3 }), writtenOf({ a: { c: [4] }, e: {} }));
  expect(valueOf(merged)).toEqual({ a: { b: 1, c: [4] }, d: 3, e: {} });
});
