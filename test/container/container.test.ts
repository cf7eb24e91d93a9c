import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import {
  LABELS,
  uploadContainer,
  ownerText,
  thisLab,
  type Owner,
} from '../../lab/nodes/backends/container/spec.ts';
import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { ROOT } from '../rig/cnilab.ts';
import { containerLab } from '../rig/container-lab.ts';
import { remainsOf, startEngine, type TestEngine } from '../rig/engine.ts';
import { networkOfHost } from '../rig/host-network.ts';
import { journalIn, killAtLine } from '../rig/journal.ts';
import { callPluginsOn } from '../rig/plugin-words.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const TIMES = 20;

const output = scratchFolder();
const CONTAINER = ['--backend', 'container', '--output', output];
const run = ['run', 'incompatible-version', '--containerd', '1.6.3,1.6.4', ...CONTAINER];
let network: unknown;
let engine: TestEngine;
let lab: ReturnType<typeof containerLab>;
let image: string;
let clean: Awaited<ReturnType<(typeof lab)['state']>>;

beforeAll(async () => {
  network = networkOfHost();
  engine = await startEngine('docker-26.1');
  lab = containerLab(engine);
  expect(await lab.cnilab(run)).toMatchObject({ exitCode: 0, stderr: '' });
  clean = await lab.state();
  [image = ''] = clean.images;
});
afterEach(async () => {
  await lab.cnilab(['down', '--all']);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  expect(remainsOf(engine)).toEqual([]);
  expect(networkOfHost()).toEqual(network);
});

/** The engine once it is as before the test, or its last state. */
async function settledEngine() {
  for (let tries = 0; tries < 50; tries += 1) {
    if (JSON.stringify(await lab.state()) === JSON.stringify(clean)) break;
    await sleep(100);
  }
  return lab.state();
}

test('after a run the engine has an image and the volume with the artifacts, and no container', () => {
  expect(clean).toEqual({
    containers: [],
    volumes: ['cnilab-artifacts'],
    images: [expect.stringMatching(/^localhost\/cnilab-node:[0-9a-f]{16}$/)],
  });
});

test('an up-to-date image is not made again, and the content of the volume is not sent again', async () => {
  const before = await lab.docker.getImage(image).inspect();
  const uploads = readdirSync(join(engine.folder, 'data/volumes/cnilab-artifacts/_data/.complete')).length;
  expect((await lab.cnilab(run)).exitCode).toBe(0);
  expect((await lab.docker.getImage(image).inspect()).Created).toBe(before.Created);
  expect(readdirSync(join(engine.folder, 'data/volumes/cnilab-artifacts/_data/.complete')).length).toBe(
    uploads,
  );
});

test('doctor names the engine', async () => {
  expect((await lab.cnilab(['doctor'])).stdout).toMatch(
    new RegExp(`^ok +backend container +Docker 26\\.1\\S* at ${engine.url}, amd64|arm64, cgroup v[12]$`, 'm'),
  );
});

test('a kept node is listed, entered and ended', async () => {
  const { stdout } = await lab.cnilab(
    [...run.filter((word) => word !== '1.6.3,1.6.4'), '1.6.3', '--keep'].flatMap(onlyOne),
  );
  const name = /cnilab enter (lab-\w+-1)\n/.exec(stdout)?.[1] ?? '';
  expect((await lab.cnilab(['ps'])).stdout).toMatch(
    new RegExp(`^${name} {2}container {2}kept {4}up \\d+ min\n$`),
  );
  const on = (...command: string[]) => lab.cnilab(['enter', name, '--', ...command]);
  expect(await on('hostname')).toMatchObject({ exitCode: 0, stdout: `${name}\n`, stderr: '' });
  expect((await on('crictl', 'version')).stdout).toContain('RuntimeVersion:  v1.6.3');
  expect(await on('sh', '-c', 'echo "$1"; echo err >&2; exit 7', 'sh', '--keep  x')).toMatchObject({
    exitCode: 7,
    stdout: '--keep  x\n',
    stderr: 'err\n',
  });
  expect(await on('sh', '-c', 'kill -9 $$')).toMatchObject({ exitCode: 137 });
  expect(await on('no-such-program')).toMatchObject({ exitCode: 127, stdout: '' });
  expect(await on('sh', '-c', 'echo > /lab/artifacts/x')).toMatchObject({ exitCode: 2 });
  expect(await lab.cnilab(['clean'])).toMatchObject({ exitCode: 0, stdout: '' }); // a sweep does not remove it
  expect(await lab.cnilab(['down', name])).toMatchObject({ exitCode: 0, stdout: `${name} is down\n` });
  expect(await settledEngine()).toEqual(clean);
});

/** `--containerd` with one version, in either place of the list. */
const onlyOne = (word: string): readonly string[] =>
  word === '1.6.3' ? [] : word === '--containerd' ? [word, '1.6.3'] : [word];

test('commands that end all nodes do not end another lab’s node on the engine, unless it is named', async () => {
  const other = { env: { CNILAB_STATE: join(output, 'other') } };
  const up = ['up', '--name', 'test-other', '--containerd', '1.6.4', '--backend', 'container'];
  expect(await lab.cnilab(up, other)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await lab.cnilab(['down', '--all'])).toMatchObject({ exitCode: 0, stdout: '' });
  expect(await lab.cnilab(['clean', '--kept'])).toMatchObject({ exitCode: 0, stdout: '' });
  expect((await lab.cnilab(['ps'])).stdout).toMatch(
    /^test-other {2}container {2}kept {4}up \d+ min, of another lab\n$/,
  );
  expect((await lab.cnilab(['ps'], other)).stdout).toMatch(
    /^test-other {2}container {2}kept {4}up \d+ min\n$/,
  );
  expect(await lab.cnilab(['down', 'test-other'])).toMatchObject({ stdout: 'test-other is down\n' });
  expect(await settledEngine()).toEqual(clean);
});

test('up makes a node on an engine, and a shell without input ends', async () => {
  const up = await lab.cnilab(['up', '--name', 'test-up', '--containerd', '1.6.4', '--backend', 'container']);
  expect(up).toMatchObject({ exitCode: 0, stderr: '' });
  expect(up.stdout).toMatch(/^test-up is up, with containerd v1\.6\.4$/m);
  expect(await lab.cnilab(['enter', 'test-up'])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  expect(await lab.cnilab(['up', '--name', 'test-up', '--backend', 'container'])).toMatchObject({
    exitCode: 2,
    stderr: 'cnilab: a node named test-up is up already; `cnilab down test-up` ends it\n',
  });
});

test('a terminal of the user is a terminal on the node, with the same size', async () => {
  await lab.cnilab(['up', '--name', 'test-tty', '--containerd', '1.6.4', '--backend', 'container']);
  const enter = `${process.execPath} ${ROOT}/bin/cnilab.cjs enter test-tty`;
  const words = `stty rows 31 cols 77; ${enter} -- sh -c "sleep 0.3; stty size; test -t 0; exit 5"; echo $?`;
  const { stdout } = await promisify(execFile)('script', ['-qec', words, '/dev/null'], {
    env: { ...process.env, DOCKER_HOST: engine.url },
  });
  expect(stdout.replaceAll('\r', '')).toBe('31 77\n5\n');
});

test(`kill -9 of the lab at ${TIMES} different moments leaves nothing in the engine`, async () => {
  const runInto = (folder: string) => [...run.slice(0, -1), join(output, folder)];
  expect((await lab.cnilab(runInto('whole'))).exitCode).toBe(0);
  const lines = journalIn(join(output, 'whole')).length;
  let killed = 0;
  for (let time = 0; time < TIMES; time += 1) {
    const folder = `killed-${time}`;
    const running = lab.start(runInto(folder));
    const line = Math.round((lines * time) / TIMES);
    const { signal } = await killAtLine(running, { output: join(output, folder), line });
    if (signal === 'SIGKILL') killed += 1;
  }
  expect(killed).toBeGreaterThan(TIMES / 2);
  await until('the end of all that ran', async () =>
    (await lab.state()).containers.every((one) => / (?:created|removing)$/.test(one)),
  );
  expect((await lab.cnilab(['clean'])).exitCode).toBe(0); // those that were never started
  expect(await settledEngine()).toEqual(clean);
});

test('a sweep removes what a dead lab left, an incomplete upload with its files, and nothing of a running lab', async () => {
  const mine = await thisLab(ambientWorld().stateHostPath);
  const dead = { ...mine, startTicks: 1 };
  const make = async (name: string, owner: Owner) =>
    lab.docker.createContainer({
      name: `cnilab-${name}`,
      Image: image,
      Cmd: ['true'],
      Labels: { [LABELS.backend]: 'container', [LABELS.node]: name, [LABELS.owner]: ownerText(owner) },
    });
  await make('test-dead', dead);
  const alive = await make('test-alive', mine);
  const volume = join(engine.folder, 'data/volumes/cnilab-artifacts/_data');
  mkdirSync(join(volume, 'half-x'));
  writeFileSync(join(volume, 'half-x/file'), 'half');
  await lab.docker.createContainer(
    uploadContainer({
      backend: 'container',
      name: 'half',
      image,
      owner: dead,
      now: { ms: Date.now(), ticks: undefined },
      folders: ['half-x'],
    }),
  );
  const { exitCode, stdout } = await lab.cnilab(['clean']);
  expect([exitCode, stdout.trim().split('\n').sort()]).toEqual([
    0,
    ['removed what was left of an upload to the container engine', 'removed what was left of node test-dead'],
  ]);
  expect(existsSync(join(volume, 'half-x'))).toBe(false);
  expect((await lab.state()).containers).toEqual(['/cnilab-test-alive created']);
  await alive.remove();
});

test('a user’s own base image is used, through the engine', async () => {
  await lab.docker.getImage(image).tag({ repo: 'localhost/my-base', tag: '1' });
  const one = await lab.cnilab([...run, '--base', 'localhost/my-base:1']);
  expect(one).toMatchObject({ exitCode: 0, stderr: '' });
  const built = (await lab.state()).images.filter((name) => name.startsWith('localhost/cnilab-node'));
  expect(built).toEqual([expect.not.stringMatching(image)]); // the older one is gone
  const { Config } = await lab.docker.getImage(built[0] ?? '').inspect();
  expect(Config.Labels).toMatchObject({ 'cnilab.made-from': 'localhost/my-base:1' });
  await lab.docker.getImage('localhost/my-base:1').remove();
});

test('clean --cache removes the image and the volume', async () => {
  const { images } = await lab.state();
  const cleaned = await lab.cnilab(['clean', '--cache'], { env: { XDG_CACHE_HOME: join(output, 'cache') } });
  expect(cleaned).toMatchObject({
    exitCode: 0,
    stdout: [
      `${join(output, 'cache/cnilab')} is removed\n`,
      ...[...images, 'cnilab-artifacts'].map((name) => `${name} is removed from the container engine\n`),
    ].join(''),
  });
  expect(await lab.state()).toEqual({ containers: [], volumes: [], images: [] });
});

test('plugin calls are recorded in a container as on bare', async () => {
  const recorded = await lab.cnilab(['run', 'plugin-calls', '--containerd', '1.6.4', ...CONTAINER]);
  expect(recorded.exitCode, recorded.stdout).toBe(0);
});

test('scripted plugins and calls by hand work in a container as on bare', () =>
  callPluginsOn('container', { folder: output, cnilab: (args) => lab.cnilab(args) }));
