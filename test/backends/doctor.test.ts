import { expect, test } from 'vitest';
import { cnilab } from '../rig/cnilab.ts';

test('doctor --json has every check with what to do about it, and whether nodes are available', async () => {
  const { exitCode, stdout } = await cnilab(['doctor', '--json', '--offline']);
  const told: unknown = JSON.parse(stdout);
  expect({ exitCode, told }).toEqual({
    exitCode: 0,
    told: {
      nodes: true,
      checks: [
        'host',
        'kernel',
        'backend bare',
        'backend container',
        'backend vm',
        'source release',
        'source gomod',
        'source debian',
        'cache',
        'nodes up',
      ].map((check) => ({
        check,
        ok: expect.any(Boolean) as boolean,
        how: expect.any(String) as string,
        waysOut: expect.any(Array) as string[],
      })),
    },
  });
});
