import { chmodSync, chownSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { containerLab, oneRunInto } from '../rig/container-lab.ts';
import { remainsOf, startEngine } from '../rig/engine.ts';
import { nodeInStep } from '../rig/journal.ts';
import { scratchFolder } from '../rig/scratch.ts';

const output = scratchFolder();
const run = oneRunInto(output);

/** A run on an address without a working engine: its output and its duration. */
async function runOn(DOCKER_HOST: string) {
  const startedMs = Date.now();
  const { exitCode, stderr } = await cnilab(run, { env: { DOCKER_HOST } });
  return { exitCode, stderr, tookMs: Date.now() - startedMs };
}

test('without an engine the run gives the reason and a solution', async () => {
  const { exitCode, stderr } = await runOn('unix:///nowhere/docker.sock');
  expect({ exitCode, stderr }).toEqual({
    exitCode: 69,
    stderr: [
      'cnilab: container nodes are not available here: there is no unix:///nowhere/docker.sock (DOCKER_HOST): its engine is not running',
      '  - correct DOCKER_HOST, or take it away',
      '  - start Docker: sudo systemctl start docker, or Docker Desktop',
      '  - start Podman: sudo systemctl start podman.socket, and export DOCKER_HOST=unix:///run/podman/podman.sock\n',
    ].join('\n'),
  });
});

test('an invalid address and a user without permission: a reason and a solution too', async () => {
  expect((await runOn('nonsense')).stderr).toContain('"nonsense" (DOCKER_HOST) is no address of an engine');
  await using engine = await startEngine('docker-26.1');
  chownSync(engine.url.replace('unix://', ''), 65534, 65534);
  chmodSync(engine.url.replace('unix://', ''), 0o600);
  const { stdout } = await cnilab(['doctor'], {
    env: { DOCKER_HOST: engine.url },
    as: ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all', '--'],
  });
  expect(stdout).toContain(`this user may not use ${engine.url} (DOCKER_HOST)`);
  expect(stdout).toContain('join the group that owns the socket');
});

test('a rootless engine is rejected before anything begins, with an alternative', async () => {
  await using engine = await startEngine('podman-4.3-rootless');
  const { exitCode, stderr } = await runOn(engine.url);
  await engine[Symbol.asyncDispose]();
  expect(remainsOf(engine)).toEqual([]);
  expect({ exitCode, stderr: stderr.replace(/Podman 4\.3\.\S+/, 'Podman 4.3') }).toEqual({
    exitCode: 69,
    stderr: [
      `cnilab: container nodes are not available here: Podman 4.3 at ${engine.url} is rootless: its containers may not mount what a node is made of`,
      '  - use an engine that runs as root: DOCKER_HOST=unix:///var/run/docker.sock, or unix:///run/podman/podman.sock',
      '  - on Linux, use --backend bare with sudo, or --backend vm without\n',
    ].join('\n'),
  });
});

test('an engine that accepts and never answers is given up, and nothing is said of the nodes it may have', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const env = { DOCKER_HOST: `tcp://127.0.0.1:${port}` };
    const why = `the container engine at tcp://127.0.0.1:${port} (DOCKER_HOST) does not answer`;
    const { exitCode, stderr, tookMs } = await runOn(env.DOCKER_HOST);
    expect(exitCode).toBe(69);
    expect(stderr).toContain(why);
    expect(tookMs).toBeLessThan(15_000); // five of these are the timeout; the machine may be busy
    const silence = { exitCode: 69, stdout: '', stderr: `${why}\n` };
    for (const words of [['ps'], ['clean'], ['down', '--all']])
      expect(await cnilab(words, { env }), words.join(' ')).toMatchObject(silence);
    const stderrOfDown = `cnilab: no node x was found, and not all could be asked: ${why}\n`;
    expect(await cnilab(['down', 'x'], { env })).toMatchObject({ exitCode: 69, stderr: stderrOfDown });
  } finally {
    silent.close();
  }
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'an engine that is stopped during a run (%s) is one clear message',
  async (signal) => {
    await using engine = await startEngine('docker-26.1');
    const lab = containerLab(engine);
    expect((await lab.cnilab(run)).exitCode).toBe(0);
    const folder = join(output, signal);
    const running = lab.start(oneRunInto(folder));
    await nodeInStep(folder, '1-run-pod');
    await engine.stop(signal);
    const { exitCode, stdout, stderr } = await running.finished;
    expect([exitCode, stderr]).toEqual([69, '']);
    const result = stdout.split('\n').filter((line) => /^ {6}(?:start|end|run|\d+-[\w-]+)\b/.test(line));
    expect(result).toEqual([
      expect.stringMatching(
        /^ {6}(?:start|\d+-[\w-]+|run): .*(?:its engine is not running|went away|as when its engine is stopped)/,
      ),
    ]);
  },
);

test('a full disk of the engine is reported, and an incomplete upload is removed', async () => {
  await using engine = await startEngine('docker-26.1', { diskMiB: 190 });
  const lab = containerLab(engine);
  const { exitCode, stdout, stderr } = await lab.cnilab(run);
  expect(exitCode).toBe(69);
  expect(stdout + stderr).toMatch(/the disk of the container engine is full: .*no space left on device/);
  expect((await lab.state()).containers).toEqual([]);
  const used: unknown = await lab.docker.df();
  const volumes = JSON.stringify(Reflect.get(Object(used), 'Volumes'));
  const sizes = [...volumes.matchAll(/"Size":(\d+)/g)].map(([, size]) => Number(size));
  expect(sizes.filter((size) => size > 1024)).toEqual([]);
});

test('if an image cannot be built, the message has the step, and nothing is left behind', async () => {
  await using engine = await startEngine('docker-26.1');
  const lab = containerLab(engine);
  expect((await lab.cnilab(run)).exitCode).toBe(0);
  const [image = ''] = (await lab.state()).images;
  // a base without a program that its apt cannot install
  const bare = await lab.docker.createContainer({
    Image: image,
    Cmd: ['rm', '-f', '/usr/sbin/ip', '/sbin/ip', '/bin/ip', '/usr/bin/ip'],
  });
  await bare.start();
  await bare.wait();
  await bare.commit({ repo: 'localhost/no-ip', tag: '1' });
  await bare.remove();
  const { exitCode, stderr } = await lab.cnilab([...run, '--base', 'localhost/no-ip:1']);
  expect(exitCode).toBe(69);
  expect(stderr).toMatch(
    /^cnilab: building the image of nodes from localhost\/no-ip:1: the container engine said: .*returned a non-zero code: \d+\n$/s,
  );
  expect((await lab.state()).containers).toEqual([]);
});

test('a user’s base image that does not exist is named', async () => {
  await using engine = await startEngine('docker-26.1');
  const { exitCode, stderr } = await containerLab(engine).cnilab([...run, '--base', 'localhost/none:1']);
  expect(exitCode).toBe(69);
  expect(stderr).toMatch(/^cnilab: the base image localhost\/none:1 is not available: /);
});
