import { expect, test } from 'vitest';
import {
  parseDeb822,
  parseOneLineSources,
  sourcesForSuite,
  urisOf,
} from '../../lab/artifacts/apt/sources.ts';

const suiteNames = ['bookworm', 'trixie', 'sid', 'stable'];

const DEB822 = `# a comment
Types: deb deb-src
URIs: https://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: https://node.example/node
Suites: nodistro
Components: main

Enabled: no
Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main
`;

test('the machine’s archives, mirrors and keys are kept for another suite, and other archives are left out', () => {
  expect(
    sourcesForSuite(parseDeb822(DEB822), {
      suiteNames,
      arch: 'amd64',
      wanted: 'trixie',
      pockets: ['', '-security'],
    }),
  ).toBe(`types: deb
uris: https://mirror.example/debian
suites: trixie
components: main
signed-by: /usr/share/keyrings/debian-archive-keyring.gpg
architectures: amd64

types: deb
uris: https://mirror.example/debian-security
suites: trixie-security
components: main
signed-by: 
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
architectures: amd64
`);
});

test('a suite without a security archive gets none', () => {
  const text = sourcesForSuite(parseDeb822(DEB822), {
    suiteNames,
    arch: 'amd64',
    wanted: 'sid',
    pockets: [''],
  });
  expect(parseDeb822(text ?? '')).toEqual([
    {
      types: 'deb',
      uris: 'https://mirror.example/debian',
      suites: 'sid',
      components: 'main',
      'signed-by': '/usr/share/keyrings/debian-archive-keyring.gpg',
      architectures: 'amd64',
    },
  ]);
});

test('one-line sources mean the same, with their options', () => {
  const entries = parseOneLineSources(`
deb [signed-by=/usr/share/keyrings/k.gpg arch=amd64,arm64] http://mirror.example/debian stable main contrib # words
#deb http://off.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb http://apt.example ./
`);
  expect(sourcesForSuite(entries, { suiteNames, arch: 'amd64', wanted: 'sid', pockets: [''] }))
    .toBe(`types: deb
uris: http://mirror.example/debian
suites: sid
components: main
signed-by: /usr/share/keyrings/k.gpg
architectures: amd64
`);
  expect(urisOf(entries)).toEqual(['http://mirror.example/debian', 'http://apt.example']);
});

test('a machine without the archive of the distribution has no sources for it', () => {
  const entries = parseOneLineSources('deb http://mirror.example/ubuntu noble main universe');
  expect(
    sourcesForSuite(entries, { suiteNames, arch: 'amd64', wanted: 'sid', pockets: [''] }),
  ).toBeUndefined();
});
