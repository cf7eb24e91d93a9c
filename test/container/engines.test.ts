import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { containerLab, oneRunInto } from '../rig/container-lab.ts';
import { startEngine, type EngineName, type TestEngine } from '../rig/engine.ts';
import { cgroupsWith, processesWith } from '../rig/launched.ts';
import { journalIn, killAtLine } from '../rig/journal.ts';
import { makerFor } from '../rig/maker.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const TIMES = 8;

const output = scratchFolder();
const run = oneRunInto(output);

/** What each engine reports about itself, and the notice for its user. */
const ENGINES: readonly (readonly [EngineName, RegExp, string])[] = [
  [
    'docker-20.10',
    /Docker 20\.10\.\S+ at/,
    'this container engine cannot give every capability, so nodes have a list of them in place of --privileged\n',
  ],
  ['podman-4.3', /Podman 4\.3\.\S+ at/, ''],
];

describe.each(ENGINES)('%s', (engineName, product, notice) => {
  let engine: TestEngine;
  let lab: ReturnType<typeof containerLab>;

  beforeAll(async () => {
    engine = await startEngine(engineName);
    lab = containerLab(engine);
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  test('works, and reports its version', async () => {
    expect((await lab.cnilab(['doctor'])).stdout).toMatch(product);
  });

  test('runs every step of a scenario, and only the image and the volume remain', async () => {
    const { exitCode, stdout, stderr } = await lab.cnilab(run);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(notice);
    expect(await lab.state()).toEqual({
      containers: [],
      volumes: ['cnilab-artifacts'],
      images: [expect.stringMatching(/^localhost\/cnilab-node:[0-9a-f]{16}$/)],
    });
  });

  test('runs scenarios on nodes of kind, one with a reboot, and removes them', async () => {
    const kind = ['--backend', 'kind', '--output', output];
    const { exitCode, stdout, stderr } = await lab.cnilab([
      ...['run', 'missing-version', 'address-after-a-reboot', '--containerd', '1.6.3'],
      ...kind,
    ]);
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
    expect((await lab.state()).containers).toEqual([]);
  });

  test('keeps a node, enters it and ends it', async () => {
    const up = await lab.cnilab([
      'up',
      '--name',
      'test-kept',
      '--containerd',
      '1.6.4',
      '--backend',
      'container',
    ]);
    expect(up).toMatchObject({ exitCode: 0, stderr: '' });
    const entered = await lab.cnilab([
      'enter',
      'test-kept',
      '--',
      'sh',
      '-c',
      'hostname; echo err >&2; exit 7',
    ]);
    expect(entered).toMatchObject({ exitCode: 7, stdout: 'test-kept\n', stderr: 'err\n' });
    expect((await lab.cnilab(['ps'])).stdout).toMatch(/^test-kept {2}container {2}kept/);
    expect(await lab.cnilab(['down', 'test-kept'])).toMatchObject({
      exitCode: 0,
      stdout: 'test-kept is down\n',
    });
    expect((await lab.state()).containers).toEqual([]);
  });

  test('cgroups that a node makes are below its own, and are removed with it', async () => {
    const maker = await makerFor('container', { DOCKER_HOST: engine.url });
    const name = `test-${process.pid}-${engineName}`;
    const node = await maker.start({ name, artifacts: [] });
    const script =
      'for procs in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do [ ! -e "$procs" ] || mkdir -p "${procs%/*}/$0"; done';
    const made = await node.exec(['sh', '-c', script, name], { timeoutMs: 10_000 });
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    const [container] = await lab.docker.listContainers({ filters: { name: [name] } });
    const groups = cgroupsWith(name);
    expect(groups).not.toEqual([]);
    expect(groups.filter((path) => !path.includes(container?.Id ?? 'a container'))).toEqual([]);
    await node.end();
    await maker.end();
    await until('the end of its groups', () => cgroupsWith(name).length === 0);
  });

  test(`kill -9 of the lab at ${TIMES} moments leaves nothing running, and clean removes the rest`, async () => {
    const into = (folder: string) => join(output, engineName, folder);
    expect((await lab.cnilab(oneRunInto(into('whole')))).exitCode).toBe(0);
    const lines = journalIn(into('whole')).length;
    for (let time = 0; time < TIMES; time += 1) {
      const folder = into(`killed-${time}`);
      const line = Math.round((lines * time) / TIMES);
      await killAtLine(lab.start(oneRunInto(folder)), { output: folder, line });
    }
    await until('the end of all that ran', async () =>
      (await lab.state()).containers.every((one) => !one.endsWith(' running')),
    );
    expect((await lab.cnilab(['clean'])).exitCode).toBe(0);
    expect((await lab.state()).containers).toEqual([]);
  });
});

test('a cluster of kind without the client of its engine is refused before anything is built for it', async () => {
  await using engine = await startEngine('podman-4.3');
  const args = ['run', 'upgrade-a-cluster', '--backend', 'kind', '--output', join(output, 'cluster')];
  const lab = containerLab(engine);
  const env = { PATH: output };
  const why = `kind runs the command podman for Podman at ${engine.url}, and the PATH has none: install the client of Podman, or add --backend bare\n`;
  expect(await lab.cnilab(args, { env })).toMatchObject({
    ...{ exitCode: 69, stdout: '' },
    stderr: `cnilab: upgrade-a-cluster wants a cluster: ${why}`,
  });
  expect((await lab.cnilab(['doctor'], { env })).stdout).toContain(`- no clusters there: ${why}`);
  expect(existsSync(join(output, 'cluster'))).toBe(false);
});

test('a test engine ends when the process that holds it is killed', async () => {
  const { folder } = await startEngine('docker-26.1');
  const left = () => processesWith(folder);
  expect(left().some((command) => command.startsWith('dockerd'))).toBe(true);
  execFileSync('pkill', ['-KILL', '-f', `engine.sh ${folder}`]);
  await until('the end of the engine', () => left().length === 0);
  // the killed script would have removed this
  rmSync(folder, { recursive: true });
  const groups = ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', `*/${basename(folder)}*`];
  execFileSync('find', [...groups, '-exec', 'rmdir', '{}', ';']);
});
