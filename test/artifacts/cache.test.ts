import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCache } from '../../lab/artifacts/cache/cache.ts';
import type { ArtifactEvent, Recipe } from '../../lab/artifacts/artifact.ts';
import { obtain } from '../../lab/artifacts/sources/obtain.ts';
import { LabError, ok } from '../../lab/core/lab-error.ts';
import { bundleOf } from '../rig/bundle.ts';

const env = { PATH: process.env.PATH };
const signal = new AbortController().signal;
let folder: string;
let labs: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnilab-cache-'));
  labs = [];
});
afterEach(() => {
  labs.forEach((lab) => lab.kill('SIGKILL'));
  rmSync(folder, { recursive: true, maxRetries: 5 });
});

const openCache = () => createCache({ cacheHostPath: join(folder, 'cache'), env });

function recipe(make: Recipe['make']): Recipe {
  return { source: 'gomod', name: 'runc', version: '1.1.15', request: '{"for":"a test"}', make };
}

const runc = recipe(async (treeHostPath) => {
  await mkdir(join(treeHostPath, 'bin'));
  await writeFile(join(treeHostPath, 'bin/runc'), 'a program', { mode: 0o700 });
  await writeFile(join(treeHostPath, 'words'), 'no program');
  return ok({ madeBy: 'hand' });
});

async function get(from: Recipe = runc, events: ArtifactEvent[] = []) {
  const cache = openCache();
  return obtain(from, { cache, what: 'runc 1.1.15', signal, onEvent: (event) => events.push(event) });
}

const ARTIFACT = {
  name: 'runc',
  version: '1.1.15',
  source: 'gomod',
  madeBy: 'hand',
  files: [
    {
      path: 'bin/runc',
      sha256: 'd69ea8cda2433733c1ce02de65da8f48e6a3dbba6bb18876a2062908e54ef7cb',
      sizeBytes: 9,
      executable: true,
    },
    {
      path: 'words',
      sha256: '77c81fb66a43b886cf465ef2634a071856e9529e7509b908ab5c2e70f6e2ddd9',
      sizeBytes: 10,
      executable: false,
    },
  ],
};

test('an artifact is found again and not made again', async () => {
  const made = await get();
  expect(made).toMatchObject({ ok: true, value: ARTIFACT });
  expect(await openCache().find(runc.request)).toEqual(made.ok && made.value);
  expect(
    await get(
      recipe(async () => {
        throw new Error('made again');
      }),
    ),
  ).toEqual(made);
  expect(readdirSync(join(folder, 'cache/staging'))).toEqual([]);
});

test('a file with a new time is hashed again and used if it is unchanged', async () => {
  const made = await get();
  if (!made.ok) throw new Error('not made');
  utimesSync(join(made.value.hostPath, 'bin/runc'), 1, 1);
  expect(await openCache().find(runc.request)).toEqual(made.value);
});

test.each(['same size', 'another size', 'gone'])(
  'a damaged file (%s) is detected, reported and made again',
  async (damage) => {
    const made = await get();
    if (!made.ok) throw new Error('not made');
    const path = join(made.value.hostPath, 'bin/runc');
    if (damage === 'gone') rmSync(path);
    else writeFileSync(path, damage === 'same size' ? 'A program' : 'short');
    const events: ArtifactEvent[] = [];
    expect(await get(runc, events)).toEqual(made);
    expect(readFileSync(path, 'utf8')).toBe('a program');
    expect(events.map(({ kind }) => kind)).toEqual(['artifact-damaged', 'artifact-ready']);
    expect(events[0]).toMatchObject({
      why: damage === 'gone' ? `${path} is gone` : `${path} has other content than when it was put there`,
    });
  },
);

test('a link in an artifact is rejected, and nothing is left behind', async () => {
  const { symlink } = await import('node:fs/promises');
  const linking = recipe(async (treeHostPath) => {
    await symlink('/etc/passwd', join(treeHostPath, 'runc'));
    return ok({ madeBy: 'hand' });
  });
  await expect(get(linking)).rejects.toThrow(LabError);
  expect(readdirSync(join(folder, 'cache/staging'))).toEqual([]);
  expect(existsSync(join(folder, 'cache/index'))).toBe(false);
});

test('a cache is not removed while a node has locked its artifacts, and any other is', async () => {
  await get();
  const artifacts = join(folder, 'cache/artifacts');
  const node = spawn('flock', ['--shared', artifacts, 'sh', '-c', 'echo held; cat'], { stdio: 'pipe' });
  labs.push(node);
  await once(node.stdout, 'data');
  const cache = openCache();
  expect(await cache.clean(signal)).toBe(false);
  expect(readdirSync(artifacts)).toHaveLength(1);
  node.stdin.end();
  await once(node, 'exit');
  expect(await cache.clean(signal)).toBe(true);
  expect(readdirSync(join(folder, 'cache'))).toEqual([]);
});

test('a full disk is one clear error and leaves no incomplete entry', async () => {
  const filling = recipe(async (treeHostPath) => {
    await writeFile(join(treeHostPath, 'runc'), 'half');
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  await expect(get(filling)).rejects.toThrow(
    new LabError(
      `no space left for the cache in ${join(folder, 'cache')}; make room, run "cnilab clean --cache", or set XDG_CACHE_HOME to a folder on another disk`,
    ),
  );
  expect(readdirSync(join(folder, 'cache/staging'))).toEqual([]);
  expect(existsSync(join(folder, 'cache/index'))).toBe(false);
});

/**
 * A lab in a process of its own, which makes the same artifact as `runc` does, and waits in the middle for the file
 * `go-on`.
 */
async function startLab(): Promise<{ readonly lab: ChildProcess; readonly ended: Promise<string> }> {
  const path = (name: string) => JSON.stringify(join(import.meta.dirname, '../../lab/artifacts', name));
  const program = await bundleOf(
    folder,
    `import { createCache } from ${path('cache/cache.ts')};
     import { obtain } from ${path('sources/obtain.ts')};
     import { existsSync, mkdirSync, appendFileSync, writeFileSync } from 'node:fs';
     import { setTimeout as sleep } from 'node:timers/promises';
     const cache = createCache({ cacheHostPath: 'cache', env: process.env });
     const recipe = {
       source: 'gomod' as const, name: 'runc', version: '1.1.15', request: '{"for":"a test"}',
       async make(tree: string) {
         mkdirSync(tree + '/bin');
         writeFileSync(tree + '/bin/runc', 'a pro');
         appendFileSync('makers', 'maker\\n');
         while (!existsSync('go-on')) await sleep(5);
         writeFileSync(tree + '/bin/runc', 'a program', { mode: 0o700 });
         writeFileSync(tree + '/words', 'no program');
         return { ok: true as const, value: { madeBy: 'hand' } };
       },
     };
     const onEvent = (event: { kind: string }) => appendFileSync('events', event.kind + '\\n');
     const got = await obtain(recipe, { cache, what: 'runc', signal: new AbortController().signal, onEvent });
     console.log(got.ok ? got.value.key : 'refused');`,
  );
  const lab = spawn(process.execPath, [program], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  labs.push(lab);
  let said = '';
  lab.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { lab, ended: new Promise((resolve) => lab.once('close', () => resolve(said))) };
}

const read = (name: string) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

test('two labs on an empty cache do the work only once', async () => {
  const [one, two] = [await startLab(), await startLab()];
  await until(() => read('events').includes('artifact-waiting'));
  writeFileSync(join(folder, 'go-on'), '');
  expect(await one.ended).toBe(await two.ended);
  expect(read('makers')).toBe('maker\n');
  expect(read('events').split('\n').filter(Boolean).sort()).toEqual([
    'artifact-ready',
    'artifact-ready',
    'artifact-waiting',
  ]);
});

test('a lab that is killed with SIGKILL while it makes an artifact leaves no incomplete entry and no lock', async () => {
  const { lab } = await startLab();
  await until(() => read('makers') !== '');
  lab.kill('SIGKILL');
  expect(await openCache().find(runc.request)).toBeUndefined();
  expect(readdirSync(join(folder, 'cache/staging'))).toHaveLength(1);
  expect(await get()).toMatchObject({ ok: true, value: { madeBy: 'hand' } });
  expect(readdirSync(join(folder, 'cache/staging'))).toEqual([]);
});

test('a sweep removes what a killed lab left, and nothing of a running one', async () => {
  const { lab, ended } = await startLab();
  await until(() => read('makers') !== '');
  expect(await openCache().sweep(signal)).toEqual([]);
  lab.kill('SIGKILL');
  await ended;
  let removed: readonly string[] = [];
  // The kernel closes the dead lab's end of the pipe a moment after the lab has ended.
  while (removed.length === 0) removed = await openCache().sweep(signal);
  expect(removed).toEqual([expect.stringContaining(join(folder, 'cache/staging/'))]);
  expect(readdirSync(join(folder, 'cache/staging'))).toEqual([]);
});

const tenBytes = (name: string, request: string): Recipe => ({
  ...recipe(async (treeHostPath) => {
    await writeFile(join(treeHostPath, 'content'), request.padEnd(10));
    return ok({ madeBy: 'hand' });
  }),
  name,
  request,
});

test('only the prunable entry that was used longest ago is removed', async () => {
  const cache = openCache();
  for (const request of ['first', 'second', 'third']) await get(tenBytes('guest', request));
  await get(tenBytes('disk', 'fourth'));
  await get();
  for (const [index, request] of ['second', 'first', 'third', 'fourth'].entries()) {
    await cache.used(request);
    await sleep(10 + index);
  }
  await cache.prune(['guest', 'disk'], 30);
  const here = async (request: string) => (await cache.find(request)) !== undefined;
  expect(await Promise.all(['first', 'second', 'third', 'fourth', runc.request].map(here))).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
  expect(readdirSync(join(folder, 'cache/artifacts'))).toHaveLength(4);
});

test('a discarded artifact is gone with its files, and can be made again', async () => {
  const cache = openCache();
  await get();
  await cache.discard(runc.request);
  expect(await cache.find(runc.request)).toBeUndefined();
  expect(readdirSync(join(folder, 'cache/artifacts'))).toEqual([]);
  expect((await get()).ok).toBe(true);
});

test('a folder that takes no files is an error of the lab that names it', async () => {
  const cacheHostPath = '/sys/cnilab'; // not even root can make it
  const cache = createCache({ cacheHostPath, env });
  const got = obtain(runc, { cache, what: 'runc 1.1.15', signal, onEvent: () => undefined });
  await expect(got).rejects.toThrow(LabError);
  await expect(got).rejects.toMatchObject({
    message:
      'could not write to the cache in /sys/cnilab; make all of it one writable folder, or set XDG_CACHE_HOME to another one',
    cause: { code: expect.stringMatching(/^E/) as string },
  });
});
