import { expect, test } from 'vitest';
import { offerLines, offerOf } from '../../lab/cli/versions.ts';

const pins = {
  release: { url: '', checksums: '', hash: 'sha256' as const, sums: { '1.6.4': { amd64: 'a' } } },
  gomod: [
    {
      module: 'm',
      majors: { from: 1, to: 2 },
      packages: [],
      tags: [],
      cgo: false,
      set: {},
      pinned: ['1.6.0', '1.6.4'],
    },
  ],
};

test('of the versions that Go lists, only those that the lab can build are offered, together with the pinned ones', () => {
  expect(offerOf('gomod', { versions: ['0.1.1', '1.6.10', '1.6.4', '2.0.0', '3.0.0'], pins })).toEqual({
    source: 'gomod',
    versions: ['1.6.0', '1.6.4', '1.6.10', '2.0.0'],
    pinned: ['1.6.0', '1.6.4'],
  });
  expect(offerOf('release', { versions: ['1.6.4'], pins })).toEqual({
    source: 'release',
    versions: ['1.6.4'],
    pinned: ['1.6.4'],
  });
  expect(offerOf('debian', { versions: ['1.6.20'], pins })).toEqual({
    source: 'debian',
    versions: ['1.6.20'],
    pinned: [],
  });
});

test('lines are as wide as the terminal, and pinned versions are separate', () => {
  const offer = offerOf('gomod', { versions: ['1.6.10', '1.6.11', '1.6.12', '1.6.13', '2.0.0'], pins });
  expect(offerLines(offer, 80)).toEqual([
    '  gomod    pinned    1.6.0 1.6.4',
    '           may build 1.6.10 1.6.11 1.6.12 1.6.13 2.0.0',
  ]);
  expect(offerLines(offer, 40)).toEqual([
    '  gomod    pinned    1.6.0 1.6.4',
    '           may build 1.6.10 1.6.11',
    '                     1.6.12 1.6.13 2.0.0',
  ]);
  expect(offerLines({ source: 'release', why: 'a.example cannot be reached: no route' }, 40)).toEqual([
    '  release  a.example cannot be reached:',
    '           no route',
  ]);
  expect(offerLines({ source: 'debian', versions: [], pinned: [] }, 40)).toEqual(['  debian   none']);
});
