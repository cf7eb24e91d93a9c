import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { containerLab } from '../rig/container-lab.ts';
import { remainsOf, startEngine, type TestEngine } from '../rig/engine.ts';
import { nodeInStep } from '../rig/journal.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { HOUR_MS, until } from '../rig/until.ts';

const output = scratchFolder();
const run = (folder: string): readonly string[] => [
  ...['run', 'kubelet-says', '--backend', 'container'],
  ...['--output', join(output, folder)],
];

let engine: TestEngine;
let lab: ReturnType<typeof containerLab>;
let before: unknown;

const inEngine = async () => ({
  ...(await lab.state()),
  networks: (await lab.docker.listNetworks()).map(({ Name }) => Name).sort(),
});

beforeAll(async () => {
  engine = await startEngine('docker-26.1');
  lab = containerLab(engine);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  expect(remainsOf(engine)).toEqual([]);
});

test('a cluster of containers passes, and nothing of it remains', { timeout: HOUR_MS }, async () => {
  const { exitCode, stdout, stderr } = await lab.cnilab(run('passes'));
  expect(stdout, stderr).toMatch(/^1 passed in /m);
  expect(exitCode).toBe(0);
  before = await inEngine();
  expect(before).toMatchObject({ containers: [], networks: ['host', 'none'] });
});

test(
  'kill -9 of the lab while the cluster runs leaves nothing in the engine',
  { timeout: HOUR_MS },
  async () => {
    const started = lab.start(run('killed'));
    await nodeInStep(join(output, 'killed'), '2-wait-for');
    started.process.kill('SIGKILL');
    expect((await started.finished).signal).toBe('SIGKILL');
    await until(
      'the end of the cluster',
      async () => JSON.stringify(await inEngine()) === JSON.stringify(before),
    );
  },
);
