import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { ROOT, type CnilabOptions, type Started } from '../rig/cnilab.ts';
import { containerLab, oneRunInto } from '../rig/container-lab.ts';
import { remainsOf, startEngine, type TestEngine } from '../rig/engine.ts';
import { heldOpen } from '../rig/held-open.ts';
import { importReaper } from '../rig/reaper-image.ts';
import { scratchFolder } from '../rig/scratch.ts';

/** testcontainers' own code, with a replacement for its image: see rig/reaper/main.go. */
const SESSION = 'org.testcontainers.session-id';
const GRACE_MS = 2000;

const output = scratchFolder();
const run = oneRunInto(output);
let engine: TestEngine;
let lab: ReturnType<typeof containerLab>;

beforeAll(async () => {
  engine = await startEngine('docker-26.1', { network: true });
  lab = containerLab(engine);
  expect((await lab.cnilab(run)).exitCode).toBe(0); // so that everything that a run needs is in the engine
  await importReaper(lab.docker, { repo: 'testcontainers/ryuk', tag: '0.14.0', folder: output });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  expect(remainsOf(engine)).toEqual([]);
});

/** A lab that can reach the engine's published ports, with a reaper that does not wait long. */
const beside = (env: Readonly<Record<string, string>> = {}): CnilabOptions => ({
  as: engine.where,
  env: { TESTCONTAINERS_RYUK_RECONNECTION_TIMEOUT: `${GRACE_MS}ms`, TMPDIR: output, ...env },
});

const containers = async () => lab.docker.listContainers({ all: true });

/** Whether this happens while the engine is looked at repeatedly. */
async function comes(
  look: (names: readonly string[]) => boolean,
  { withinMs = 30_000 }: { withinMs?: number } = {},
): Promise<boolean> {
  for (const until = Date.now() + withinMs; Date.now() < until; await sleep(20))
    if (look((await lab.state()).containers)) return true;
  return false;
}

const isNode = (name: string): boolean => /^\/cnilab-lab-\S+ running$/.test(name);
const nothing = (names: readonly string[]): boolean => names.length === 0;

/** Every container that existed while a lab ran, with the label of the reaper's session. */
async function sessionsDuring({ finished }: Started): Promise<ReadonlyMap<string, string | undefined>> {
  const seen = new Map<string, string | undefined>();
  let over = false;
  void finished.then(() => (over = true));
  for (; !over; await sleep(5))
    for (const { Names, Labels } of await containers()) seen.set(Names[0] ?? '', Labels[SESSION]);
  return seen;
}

test('a run’s nodes also belong to the reaper, which ends after the lab, and nothing is left behind', async () => {
  const running = lab.start(run, beside());
  const seen = await sessionsDuring(running);
  expect(await running.finished).toMatchObject({ exitCode: 0, stderr: '' });
  const [reaper] = [...seen].filter(([name]) => name.startsWith('/testcontainers-ryuk-'));
  const nodes = [...seen].filter(([name]) => name.startsWith('/cnilab-lab-'));
  expect(reaper?.[1]).toMatch(/^\w+$/);
  expect(nodes).toEqual([[expect.any(String), reaper?.[1]]]);
  expect(await comes(nothing)).toBe(true);
  expect((await lab.state()).volumes).toEqual(['cnilab-artifacts']);
});

test('if the engine does not notice that the lab was killed, only the reaper removes the node', async () => {
  using held = await heldOpen(engine);
  const ofEngine = { TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: engine.url.replace('unix://', '') };
  const killed = async (env: Readonly<Record<string, string>>) => {
    const running = lab.start(run, beside({ DOCKER_HOST: held.url, ...ofEngine, ...env }));
    expect(await comes((names) => names.some(isNode))).toBe(true);
    running.process.kill('SIGKILL');
    expect((await running.finished).signal).toBe('SIGKILL');
  };
  await killed({ TESTCONTAINERS_RYUK_DISABLED: 'true' });
  expect(await comes(nothing, { withinMs: 3 * GRACE_MS })).toBe(false);
  expect((await lab.state()).containers.filter(isNode).length).toBe(1);
  expect((await lab.cnilab(['clean'])).exitCode).toBe(0);
  expect((await lab.state()).containers).toEqual([]);

  await killed({});
  expect((await lab.state()).containers.filter(isNode).length).toBe(1);
  expect(await comes(nothing)).toBe(true);
});

test('a kept node does not belong to the reaper', async () => {
  const running = lab.start(run, beside());
  expect(await comes((names) => names.some((name) => name.startsWith('/testcontainers-ryuk-')))).toBe(true);
  const kept = await lab.cnilab([...run, '--keep'], beside());
  expect(kept).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await running.finished).exitCode).toBe(0);
  expect(await comes((names) => names.length === 1)).toBe(true);
  const [{ Names, Labels } = { Names: [], Labels: {} }] = await containers();
  expect(Names).toEqual([expect.stringMatching(/^\/cnilab-kept-lab-/)]);
  expect(Labels).not.toHaveProperty(SESSION);
  expect((await lab.cnilab(['down', '--all'])).exitCode).toBe(0);
});

test.each([
  ['ends at once', '0s'],
  ['says nothing', '15s'],
])('a reaper that %s is done without, soon', async (_, silentFor) => {
  await importReaper(lab.docker, { repo: 'localhost/no-reaper', tag: silentFor, folder: output, silentFor });
  const startedMs = Date.now();
  const env = { RYUK_CONTAINER_IMAGE: `localhost/no-reaper:${silentFor}` };
  expect(await lab.cnilab(run, beside(env))).toMatchObject({ exitCode: 0, stderr: '' });
  expect(Date.now() - startedMs).toBeLessThan(20_000); // six of these are the timeout; the machine may be busy
  expect(await comes(nothing)).toBe(true);
});

test('if testcontainers would use another engine than the lab, it makes nothing there', async () => {
  symlinkSync(engine.url.replace('unix://', ''), join(output, 'docker.sock')); // the next path that it tries
  const socketPath = '/nowhere/docker.sock';
  const thread = new Worker(join(ROOT, 'dist/reaper-thread.cjs'), {
    env: {
      DOCKER_HOST: `unix://${socketPath}`,
      TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
      XDG_RUNTIME_DIR: output,
    },
    workerData: { socketPath },
  });
  const thrown: unknown[] = await once(thread, 'error');
  expect(String(thrown[0])).toBe(
    `Error: testcontainers is at ${join(output, 'docker.sock')}, in place of ${socketPath}`,
  );
  expect((await lab.state()).containers).toEqual([]);
});

test('doctor shows the reaper, and a user can disable it', async () => {
  expect((await lab.cnilab(['doctor'])).stdout).toMatch(
    /^ok +backend container .*, reaper testcontainers\/ryuk:0\.14\.0$/m,
  );
  const env = { TESTCONTAINERS_RYUK_DISABLED: 'true' };
  expect((await lab.cnilab(['doctor'], { env })).stdout).not.toContain('reaper');
});
