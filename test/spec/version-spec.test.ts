import { expect, test } from 'vitest';
import { parseVersionSpec } from '../../lab/spec/version-spec.ts';

test.each([
  ['1.6.3', { kind: 'version', version: '1.6.3' }],
  ['2.0.0-rc.1', { kind: 'version', version: '2.0.0-rc.1' }],
  ['gomod:1.6.3', { kind: 'version', version: '1.6.3', source: 'gomod' }],
  ['release:1.6.3', { kind: 'version', version: '1.6.3', source: 'release' }],
  ['debian:1.6.20', { kind: 'version', version: '1.6.20', source: 'debian' }],
  ['debian:bookworm', { kind: 'suite', suite: 'bookworm' }],
  ['local:../build/bin', { kind: 'local', path: '../build/bin' }],
  ['default', { kind: 'default' }],
])('%s', (text, value) => {
  expect(parseVersionSpec(text)).toEqual({ ok: true, value });
});

test.each([
  ['v1.6.3', 'a version has no "v" before it: write "1.6.3"; got "v1.6.3"'],
  ['gomod:v1.6.3', 'a version has no "v" before it: write "1.6.3"; got "v1.6.3"'],
  ['1.6', 'wanted a whole version such as "1.6.0"; got "1.6"'],
  ['local:', 'wanted a path after "local:"'],
  ['apt:1.6.3', 'a version comes from release, gomod, debian or local; got "apt"'],
  [
    'latest',
    'wanted a version such as 1.6.3, gomod:1.6.3, debian:bookworm, local:../build/bin or default; got "latest"',
  ],
  [
    'release:bookworm',
    'wanted a version such as 1.6.3, gomod:1.6.3, debian:bookworm, local:../build/bin or default; got "bookworm"',
  ],
])('%s is a mistake with a way out', (text, error) => {
  expect(parseVersionSpec(text)).toEqual({ ok: false, error });
});
