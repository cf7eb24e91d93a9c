import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { valid } from 'semver';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMPONENTS } from '../../lab/core/components.ts';
import { parsePins, pinnedVersions } from '../../lab/plan/pins.ts';
import { readPlainYaml } from '../../lab/plan/plain-yaml.ts';

const images = join(import.meta.dirname, '../../images');
const yamlText = readFileSync(join(images, 'pins.yaml'), 'utf8');
const pins = parsePins(yamlText);
if (!pins.ok) throw new Error(pins.error);

test('our reader and the yaml package read pins.yaml the same way', () => {
  expect(readPlainYaml(yamlText)).toEqual({
    ok: true,
    value: parse(yamlText, { schema: 'failsafe' }) as unknown,
  });
});

test.each(COMPONENTS)('every version of %s is a version, and the default is a release', (component) => {
  const { release } = pins.value.components[component];
  expect(
    pinnedVersions(pins.value.components[component]).filter((version) => valid(version) === null),
  ).toEqual([]);
  expect(release.sha256[pins.value.defaults[component]]).toMatchObject({
    amd64: expect.any(String) as string,
  });
});

test.each(
  COMPONENTS.flatMap((component) =>
    pins.value.components[component].gomod.map((facts) => [component, facts] as const),
  ),
)('the dependencies of the pinned versions of %s are held by a go.sum', (component, { module, pinned }) => {
  const sums = readFileSync(join(images, 'gomod', `${component}.sum`), 'utf8');
  expect(pinned.filter((version) => !sums.includes(`${module} v${version} h1:`))).toEqual([]);
});

test('what each suite has, by component', () => {
  expect(pins.value.suites.bookworm).toEqual({ containerd: '1.6.20', runc: '1.1.5', 'cni-plugins': '1.1.1' });
});

test.each([
  [
    'a:\n  b: [1, "two"]\n  # words\n  c: { d: x, "e f": y }\n',
    { a: { b: ['1', 'two'], c: { d: 'x', 'e f': 'y' } } },
  ],
  ['url: https://a.b/{c}/d\n', { url: 'https://a.b/{c}/d' }],
])('plain: %j', (text, value) => {
  expect(readPlainYaml(text)).toEqual({ ok: true, value });
});

test.each([
  ['a: &anchor b\n', 'line 1: not a plain value: &anchor b'],
  ['a: b # words\n', 'line 1: not a plain value: b # words'],
  ["a: 'b'\n", "line 1: not a plain value: 'b'"],
  ['a: |\n  text\n', 'line 1: not a plain value: |'],
  ['a:\n  - b\n', 'line 2: not a plain "key: value": - b'],
  ['a: { b: [c] }\n', 'line 1: not a plain value: { b: [c] }'],
  ['a: 1\na: 2\n', 'line 2: "a" stands here twice'],
  ['a:\n    b: 1\n  c: 2\n', 'line 3: odd indentation'],
  ['a: 1\n  b: 2\n', 'line 2: odd indentation'],
])('what is not plain is never guessed at: %j', (text, error) => {
  expect(readPlainYaml(text)).toEqual({ ok: false, error });
});

test.each([
  [/^ {4}default: 2\.3\.4$/m, '    default: { a: b }', 'pins.yaml: containerd.default: wanted a text'],
  [/amd64: 346f/, 'amd64: 34', 'pins.yaml: containerd.release.sha256.1.4.9.amd64: not a sha256'],
  [
    /amd64: 346f/,
    'riscv64: 346f',
    'pins.yaml: containerd.release.sha256.1.4.9: "riscv64" is none of amd64, arm64',
  ],
  [/cgo: true/, 'cgo: yes', 'pins.yaml: runc.gomod.1.cgo: wanted true or false, got yes'],
])('a pin that is not sound is named with its place: %s', (good, bad, error) => {
  expect(parsePins(yamlText.replace(good, bad))).toEqual({ ok: false, error });
});
