import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REAPER_IMAGE } from 'testcontainers/build/reaper/reaper.js';

import type { EngineAddress } from '../../../lab/nodes/backends/container/address.ts';
import { connectTo, type Engine } from '../../../lab/nodes/backends/container/engine.ts';
import { reaperImage, startReaper } from '../../../lab/nodes/backends/container/reaper.ts';
import { scratchFolder } from '../../rig/scratch.ts';

const folder = scratchFolder();

const imageOf = (env: Readonly<Record<string, string>>, properties = '') =>
  reaperImage({
    env: { HOME: '/home/me', ...env },
    readFile: (path) => (path === '/home/me/.testcontainers.properties' ? properties : undefined),
  });

test('the image is the one that testcontainers names', () => {
  expect(imageOf({})).toBe(REAPER_IMAGE);
  expect(imageOf({ RYUK_CONTAINER_IMAGE: 'my/ryuk:1' })).toBe('my/ryuk:1');
  const prefix = { TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX: 'mirror.example/hub/' };
  expect(imageOf({ ...prefix, RYUK_CONTAINER_IMAGE: 'my/ryuk:1' })).toBe('mirror.example/hub/my/ryuk:1');
  expect(imageOf({ ...prefix, RYUK_CONTAINER_IMAGE: 'own.example/ryuk:1' })).toBe('own.example/ryuk:1');
});

test('a user who has disabled it has none; a variable takes precedence over the properties', () => {
  expect(imageOf({ TESTCONTAINERS_RYUK_DISABLED: 'true' })).toBeUndefined();
  expect(imageOf({}, 'ryuk.disabled = true\n')).toBeUndefined();
  expect(imageOf({ TESTCONTAINERS_RYUK_DISABLED: 'false' }, 'ryuk.disabled=true')).toBe(REAPER_IMAGE);
});

/** An engine that answers requests for these paths. */
async function engineAt(
  address: Omit<EngineAddress, 'origin'>,
  answers: Readonly<Record<string, unknown>> = { '/containers/reaper-1/json': {} },
): Promise<Engine> {
  const engine = await connectTo({ origin: 'a test', ...address });
  return {
    ...engine,
    get: async (path) => {
      if (!(path in answers)) throw new Error(`no ${path}`);
      return answers[path];
    },
  };
}

/** A thread in place of the one with testcontainers. */
function threadOf(name: string, code: string): string {
  const path = join(folder, `${name}.cjs`);
  writeFileSync(path, `const { parentPort, workerData } = require('node:worker_threads');\n${code}\n`);
  return path;
}

const TELLS_ENVIRONMENT = threadOf(
  'tells-environment',
  `const { DOCKER_HOST, DOCKER_TLS_VERIFY, TESTCONTAINERS_HOST_OVERRIDE, MINE } = process.env;
   const sessionId = [DOCKER_HOST, DOCKER_TLS_VERIFY, TESTCONTAINERS_HOST_OVERRIDE, MINE].join(' ');
   console.log('not for the user');
   parentPort.on('message', () => undefined);
   parentPort.postMessage({ containerId: 'reaper-1', label: 'session', sessionId });`,
);

async function environmentFor(engine: Engine, { inContainer = false } = {}): Promise<string | undefined> {
  const before = { ...process.env };
  const reaper = await startReaper({
    engine,
    env: { DOCKER_HOST: 'tcp://another:1', DOCKER_TLS_VERIFY: '1', MINE: 'mine' },
    exists: () => inContainer,
    threadHostPath: TELLS_ENVIRONMENT,
  });
  await reaper?.end();
  expect(process.env).toEqual(before);
  return reaper?.labels['session'];
}

test('testcontainers gets only the lab’s engine, and the environment of this process stays', async () => {
  expect(await environmentFor(await engineAt({ url: 'unix:///p.sock' }))).toBe('unix:///p.sock 0  mine');
  expect(await environmentFor(await engineAt({ url: 'tcp://far' }))).toBe('tcp://far:2375 0  mine');
  expect(await environmentFor(await engineAt({ url: 'ssh://me@far' }))).toBeUndefined();
});

test('in a container testcontainers is told where ports are, because it would pull an image to find out', async () => {
  const network = { '/networks/bridge': { IPAM: { Config: [{ Gateway: '172.17.0.1' }] } } };
  const reaper = { '/containers/reaper-1/json': {} };
  const at = (answers: Readonly<Record<string, unknown>>) => engineAt({ url: 'unix:///p.sock' }, answers);
  const inContainer = true;
  expect(await environmentFor(await at({ ...network, ...reaper }), { inContainer })).toBe(
    'unix:///p.sock 0 172.17.0.1 mine',
  );
  expect(await environmentFor(await at(reaper), { inContainer })).toBeUndefined();
});

test.each([
  ['is not there', '/nowhere/thread.cjs'],
  ['throws', threadOf('throws', `throw new Error('no');`)],
  ['rejects', threadOf('rejects', `void Promise.reject(new Error('no'));`)],
  ['ends', threadOf('ends', '')],
  ['says something else', threadOf('says-else', `parentPort.postMessage('hello');`)],
  [
    'is at another engine',
    threadOf(
      'elsewhere',
      `parentPort.postMessage({ containerId: 'other', label: 'session', sessionId: 'x' });`,
    ),
  ],
])('a thread that %s is no reaper, and no error', async (_, threadHostPath) => {
  const engine = await engineAt({ url: 'unix:///p.sock' });
  expect(await startReaper({ engine, env: {}, exists: () => false, threadHostPath })).toBeUndefined();
});
