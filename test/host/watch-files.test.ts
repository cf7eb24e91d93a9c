import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { nameFiles, watchFiles, type FileWatch } from '../../lab/host/watch-files.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const folder = scratchFolder();
const path = (name: string): string => join(folder, name);
const LATER = new Date('2026-01-02T00:00:00Z').getTime();

let changes: string[][] = [];
let files: FileWatch;

beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(path('bin/deep'), { recursive: true });
  for (const name of ['a.yaml', 'b.yaml', 'bin/one', 'bin/deep/two'])
    writeFileSync(path(name), 'as it was\n');
  for (const name of ['a.yaml', 'b.yaml', 'bin/one', 'bin/deep/two', 'bin/deep', 'bin'])
    utimesSync(path(name), 0, 0);
  changes = [];
  files = watchFiles((hostPaths) =>
    changes.push([...hostPaths].map((hostPath) => hostPath.slice(folder.length + 1)).sort()),
  );
  files.follow([path('a.yaml'), path('bin'), path('missing')], LATER);
});
afterEach(() => files.close());

const changed = async (): Promise<readonly string[]> => {
  const first = await until('a change', () => changes[0]);
  changes = [];
  return first;
};

test.each<readonly [string, () => void, readonly string[]]>([
  ['a file is written', () => writeFileSync(path('a.yaml'), 'new\n'), ['a.yaml']],
  [
    'a file is replaced',
    () => {
      writeFileSync(path('a.yaml~'), 'new\n');
      renameSync(path('a.yaml~'), path('a.yaml'));
    },
    ['a.yaml', 'a.yaml~'],
  ],
  ['a file is removed', () => rmSync(path('a.yaml')), ['a.yaml']],
  ['a missing file comes', () => writeFileSync(path('missing'), 'x'), ['missing']],
  ['a new file comes beside', () => writeFileSync(path('c.yaml'), 'x'), ['c.yaml']],
  ['a file in a folder', () => appendFileSync(path('bin/one'), 'x'), ['bin', 'bin/one']],
  ['a file deep in a folder', () => appendFileSync(path('bin/deep/two'), 'x'), ['bin', 'bin/deep/two']],
])('%s', async (_, change, expected) => {
  change();
  expect(await changed()).toEqual(expected);
});

test('a watch continues after a change, and after a file was replaced', async () => {
  for (const text of ['1', '12', '123']) {
    writeFileSync(path('new'), text);
    renameSync(path('new'), path('a.yaml'));
    expect(await changed()).toContain('a.yaml');
  }
});

test('several writes at once are one change', async () => {
  for (let size = 0; size < 20; size += 1) {
    appendFileSync(path('a.yaml'), 'x');
    await sleep(5);
  }
  await changed();
  await sleep(200);
  expect(changes).toEqual([]);
});

test('reading or linking a file is not a change', async () => {
  utimesSync(path('a.yaml'), 5, 0); // only its access time
  await sleep(300);
  expect(changes.filter((names) => names.includes('a.yaml'))).toEqual([]);
});

test('a file that was written after it was read has already changed', async () => {
  writeFileSync(path('b.yaml'), 'new\n');
  files.follow([path('b.yaml')], new Date().getTime() - 60_000);
  expect(await changed()).toContain('b.yaml');
});

test('files are named in a message', () => {
  expect(nameFiles(['/a/1', '/a/2'])).toBe('1, 2');
  expect(nameFiles(['/a/1', '/a/2', '/a/3', '/a/4', '/a/5'])).toBe('1, 2, 3 and 2 more');
});
