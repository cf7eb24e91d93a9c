import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

const CHECKS = [
  'host',
  'kernel',
  'backend bare',
  'backend container',
  'backend vm',
  'backend kind',
  'source release',
  'source gomod',
  'source debian',
  'cache',
  'nodes up',
];

test('doctor --json has every check with advice, and whether nodes are available', async () => {
  const { exitCode, stdout } = await cnilab(['doctor', '--json', '--offline']);
  const result: unknown = JSON.parse(stdout);
  expect({ exitCode, result }).toEqual({
    exitCode: 0,
    result: {
      nodes: true,
      checks: CHECKS.map((check) => ({
        check,
        ok: expect.any(Boolean) as boolean,
        how: expect.any(String) as string,
        waysOut: expect.any(Array) as string[],
      })),
    },
  });
});

test.each([
  ['a file', (path: string) => writeFileSync(path, ''), ['source debian', 'cache', 'nodes up']],
  ['a link to itself', (path: string) => symlinkSync(path, path), ['source debian', 'cache', 'nodes up']],
  ['a folder', (path: string) => mkdirSync(path), []],
] as const)(
  'a check that fails to run does not stop the others: the cache is %s',
  async (what, make, fails) => {
    const path = join(folder, what.replaceAll(' ', '-'));
    make(path);
    const env = { XDG_CACHE_HOME: path, CNILAB_STATE: '' };
    const { exitCode, stdout, stderr } = await cnilab(['doctor', '--offline'], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.split('\n').filter((line) => /^(?:ok|--) /.test(line));
    const nameOf = (line: string) => CHECKS.find((check) => line.slice(4).startsWith(check));
    expect(lines.map(nameOf)).toEqual(CHECKS);
    const unmade = lines.filter((line) => line.includes('this could not be checked: '));
    expect(unmade.map(nameOf)).toEqual(fails);
  },
);
