import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { valid } from 'semver';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { COMPONENTS } from '../../lab/core/components.ts';
import { factsBeside, versionFacts } from '../../lab/plan/resolve-component.ts';
import { parsePins, pinnedVersions } from '../../lab/plan/pins.ts';
import { scratchFolder } from '../rig/scratch.ts';

const images = join(import.meta.dirname, '../../images');
const yamlText = readFileSync(join(images, 'pins.yaml'), 'utf8');
const read = (text: string): unknown => parse(text, { schema: 'failsafe' });
const pins = parsePins(read(yamlText));
if (!pins.ok) throw new Error(pins.error);

test('pins as JSON are used only for the text from which they were made', () => {
  const packageHostPath = scratchFolder();
  const write = (path: string, text: string) => {
    mkdirSync(join(packageHostPath, path, '..'), { recursive: true });
    writeFileSync(join(packageHostPath, path), text);
  };
  const changed = (text: string) => text.replace('default: 2.3.4', 'default: 2.4.2');
  write('images/pins.yaml', yamlText);
  expect(readPins({ packageHostPath })).toEqual(pins.value);
  // the JSON is different here, which shows that it was read
  const json = (madeFrom: string) =>
    JSON.stringify({
      madeFromSha256: createHash('sha256').update(madeFrom).digest('hex'),
      pins: read(changed(yamlText)),
    });
  write('dist/pins.json', json(yamlText));
  expect(readPins({ packageHostPath }).defaults.containerd).toBe('2.4.2');
  write('dist/pins.json', json(`${yamlText}\n`));
  expect(readPins({ packageHostPath }).defaults.containerd).toBe('2.3.4');
  write('dist/pins.json', '{');
  expect(readPins({ packageHostPath }).defaults.containerd).toBe('2.3.4');
});

const BUNDLE = new URL('../../scripts/bundle.mjs', import.meta.url).href;

test('the bundle’s pins are those of pins.yaml', async () => {
  const { pinsAsJson } = (await import(BUNDLE)) as { pinsAsJson: () => Promise<string> };
  expect(JSON.parse(await pinsAsJson())).toEqual({
    madeFromSha256: createHash('sha256').update(yamlText).digest('hex'),
    pins: read(yamlText),
  });
});

test.each(COMPONENTS)('every version of %s is valid, and the default is a release', (component) => {
  const { release } = pins.value.components[component];
  expect(
    pinnedVersions(pins.value.components[component]).filter((version) => valid(version) === null),
  ).toEqual([]);
  expect(release.sums[pins.value.defaults[component]]).toMatchObject({
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

test('each Kubernetes version has its etcd', () => {
  const facts = versionFacts(pins.value, {});
  const etcdOf = (version: string) =>
    factsBeside(facts, [{ component: 'kubernetes', version }]).defaults.etcd;
  expect(['1.23.17', '1.24.0', '1.31.2', '1.2.0', '1.37.2'].map(etcdOf)).toEqual([
    ...['3.5.6', '3.5.6', '3.5.24', '3.5.6', '3.7.0'],
  ]);
});

test('each suite has its versions, by component', () => {
  expect(pins.value.suites.bookworm).toEqual({ containerd: '1.6.20', runc: '1.1.5', 'cni-plugins': '1.1.1' });
});

test.each([
  [/^ {4}default: 2\.3\.4$/m, '    default: { a: b }', 'pins.yaml: containerd.default: wanted a text'],
  [/amd64: 346f/, 'amd64: 34', 'pins.yaml: containerd.release.sha256.1.4.9.amd64: not a sha256'],
  [
    /amd64: 346f/,
    'riscv64: 346f',
    'pins.yaml: containerd.release.sha256.1.4.9: "riscv64" is none of amd64, arm64',
  ],
  [/amd64: 617a/, 'amd64: 61', 'pins.yaml: kubernetes.release.sha512.1.24.17.amd64: not a sha512'],
  [/cgo: true/, 'cgo: yes', 'pins.yaml: crio.gomod.1.cgo: wanted true or false, got yes'],
])('a pin that is not sound is named with its place: %s', (good, bad, error) => {
  expect(parsePins(read(yamlText.replace(good, bad)))).toEqual({ ok: false, error });
});
