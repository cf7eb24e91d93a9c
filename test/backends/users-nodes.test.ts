import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

// A user whose node is kept while tests run, with the same cache.
const user = { env: { CNILAB_STATE: join(scratchFolder(), 'user') } };
const UP = ['up', '--name', 'test-users', '--containerd', '1.6.4'];

beforeAll(async () => {
  expect(await cnilab(UP, user)).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  expect(await cnilab(['down', 'test-users'], user)).toMatchObject({ stdout: 'test-users is down\n' });
});

const answers = async () => {
  const { stdout } = await cnilab(['enter', 'test-users', '--', 'crictl', 'info'], user);
  expect(stdout).toContain('"RuntimeReady"');
};

test('a node that the user keeps is not affected by what tests do with theirs', async () => {
  expect(await cnilab(['ps'])).toMatchObject({ exitCode: 0, stdout: '', stderr: 'no node is up\n' });
  for (const words of [['down', '--all'], ['clean'], ['clean', '--kept']])
    expect(await cnilab(words)).toMatchObject({ exitCode: 0, stdout: '' });
  expect(await cnilab(['down', 'test-users'])).toMatchObject({ exitCode: 2 });
  await answers();
});

test('a node of the same name is a different node', async () => {
  expect(await cnilab(UP)).toMatchObject({ exitCode: 0 });
  expect(await cnilab(['down', 'test-users'])).toMatchObject({ stdout: 'test-users is down\n' });
  await answers();
});
