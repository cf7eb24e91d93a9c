import { expect, test } from 'vitest';

import { kindRef, readPins } from '../../lab/assembly/open-artifacts.ts';
import { fakeWorld } from '../rig/fake-world.ts';

const world = fakeWorld({ cwd: '/home/me' });
const pins = readPins(world);
const { signal } = new AbortController();
const artifacts = {
  describeLocal: async (component: 'kind', hostPath: string) =>
    ({ component, source: 'local', hostPath, version: '0.99.0' }) as const,
};
const refOf = (kind?: string) =>
  kindRef(world, { flags: kind === undefined ? {} : { kind }, pins, artifacts, signal });

test.each([
  [undefined, { version: pins.components.kind.default }],
  ['0.27.0', { version: '0.27.0' }],
  ['gomod:0.30.0', { version: '0.30.0', source: 'gomod' }],
  ['debian:trixie', { version: pins.components.kind.debian?.versions['trixie'], source: 'debian' }],
  ['local:bin/kind', { version: '0.99.0', source: 'local', hostPath: '/home/me/bin/kind' }],
] as const)('--kind %s is a component', async (text, ref) => {
  expect(await refOf(text)).toEqual({ component: 'kind', ...ref });
});

test.each([
  ['v0.30.0', '--kind v0.30.0: kind: a version has no "v" before it: write "0.30.0"; got "v0.30.0"'],
  ['debian:trixi', '--kind debian:trixi: no suite of Debian is called "trixi"; did you mean "trixie"?'],
  ['debian:bookworm', '--kind debian:bookworm: Debian bookworm has no kind; there is one in'],
])('--kind %s is bad input', async (text, message) => {
  await expect(refOf(text)).rejects.toThrow(message);
});
