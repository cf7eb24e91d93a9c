import { expect, test } from 'vitest';
import { listCommand } from '../../lab/cli/list.ts';
import { fakeWorld } from '../rig/fake-world.ts';

test('list --json has for each scenario what it shows, its path and its expected outcome', async () => {
  const world = fakeWorld();
  expect(
    await listCommand(world, ['missing-version', 'controls/probe-that-cannot-look'], { json: true }),
  ).toBe(0);
  expect(JSON.parse(world.written.out) as unknown).toEqual([
    {
      name: 'missing-version',
      summary: expect.stringContaining('cniVersion') as string,
      file: 'scenarios/missing-version.yaml',
      must: 'pass',
    },
    {
      name: 'probe-that-cannot-look',
      summary: expect.any(String) as string,
      file: 'scenarios/controls/probe-that-cannot-look.yaml',
      must: 'inconclusive',
    },
  ]);
});
