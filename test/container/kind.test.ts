import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { containerLab, imageOfUser } from '../rig/container-lab.ts';
import { remainsOf, startEngine, type TestEngine } from '../rig/engine.ts';
import { journalIn, killAtLine, nodeInStep } from '../rig/journal.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const TIMES = 8;

const output = scratchFolder();
const run = (...more: readonly string[]) => ['run', ...more, '--backend', 'kind', '--output', output];
let engine: TestEngine;
let lab: ReturnType<typeof containerLab>;
let image: string;

beforeAll(async () => {
  engine = await startEngine('docker-26.1');
  lab = containerLab(engine);
  expect(await lab.cnilab(run('incompatible-version', '--containerd', '1.6.3,2.4.2'))).toMatchObject({
    exitCode: 0,
    stderr: '',
  });
  [image = ''] = (await lab.state()).images;
});
afterEach(async () => {
  await lab.cnilab(['down', '--all']);
  await until('the end of all nodes', async () => (await lab.state()).containers.length === 0);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  expect(remainsOf(engine)).toEqual([]);
});

async function up(name: string) {
  expect(
    await lab.cnilab(['up', '--name', name, '--containerd', '1.6.4', '--backend', 'kind']),
  ).toMatchObject({ exitCode: 0, stderr: '' });
  const on = (...command: string[]) => lab.cnilab(['enter', name, '--', ...command]);
  const said = async (...command: string[]) => (await on(...command)).stdout.trim();
  return { on, said };
}

test('after a run the engine has the image of kind nodes and the volume, and no container', async () => {
  expect(await lab.state()).toEqual({
    containers: [],
    volumes: ['cnilab-artifacts'],
    images: [expect.stringMatching(/^localhost\/cnilab-kind-node:[0-9a-f]{16}$/)],
  });
});

test('systemd is the first process, has started what a node needs, and runs containerd as its service', async () => {
  const { on, said } = await up('test-kind');
  expect((await lab.cnilab(['ps'])).stdout).toMatch(/^test-kind {2}kind {7}kept {4}up \d+ min\n$/);
  expect(await said('ps', '-o', 'comm=', '-p', '1')).toBe('systemd');
  expect(await said('systemctl', 'is-system-running')).toBe('running');
  const pid = await said('systemctl', 'show', 'containerd', '--property=MainPID', '--value');
  expect(await said('ps', '-o', 'args=', '-p', pid)).toBe('/usr/local/bin/containerd');
  expect(await said('systemctl', 'restart', 'containerd')).toBe('');
  await until('containerd', async () => (await on('crictl', 'version')).exitCode === 0);
  expect(await said('systemctl', 'show', 'containerd', '--property=MainPID', '--value')).not.toBe(pid);
});

test('a node cannot change what belongs to the machine', async () => {
  const { on } = await up('test-kind');
  const refused = [
    ['date', '-s', '@1'],
    ['mount', '-o', 'remount,bind,rw', '/proc/sys'],
    ['sh', '-c', 'echo 1 > /proc/sys/kernel/panic'],
    ['umount', '/sys'],
  ];
  for (const command of refused) expect([command, (await on(...command)).exitCode]).not.toEqual([command, 0]);
  // what systemd starts is confined as well
  const asService = await on('systemd-run', '--wait', '--quiet', 'date', '-s', '@1');
  expect(asService.exitCode).toBe(1);
});

test('steps that stop, kill and start the runtime agree with systemd, and pods outlive them', async () => {
  const file = join(output, 'steps.yaml');
  writeFileSync(
    file,
    `name: steps
summary: systemd knows how containerd ended, and a pod goes on without it
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist: { cniVersion: 1.0.0, name: net, plugins: [{ type: ptp, ipam: { type: host-local, subnet: 10.88.0.0/16 } }] }
steps:
  - run-pod: web
  - stop-runtime:
  - exec: [sh, -c, 'systemctl is-active containerd || true']
    expect: { output: inactive }
  - start-runtime:
  - exec: [systemctl, is-active, containerd]
  - kill-runtime:
  - exec: [sh, -c, 'systemctl is-active containerd || true']
    expect: { output: failed }
  - start-runtime:
  - exec: [sh, -c, 'systemctl restart containerd && until crictl version; do sleep 0.1; done']
  - stop-runtime:
  - start-runtime:
  - stop-pod: web
  - remove-pod: web
expect: { left-behind: none, pods: none }
`,
  );
  const { exitCode, stdout } = await lab.cnilab(run(file));
  expect(exitCode, stdout).toBe(0);
});

test('a reboot is a boot of systemd, and nothing of before remains but the disk and the network of its group', async () => {
  const file = join(output, 'reboot.yaml');
  const node =
    '{ containerd: 1.6.4, cni-plugins: 1.1.1, cni-config: { 10-net.conflist: { cniVersion: 1.0.0, name: net, plugins: [{ type: ptp, ipam: { type: host-local, subnet: 10.88.0.0/16 } }] } } }';
  writeFileSync(
    file,
    `name: reboot
summary: systemd boots again
nodes: { stays: ${node}, reboots: ${node} }
steps:
  - exec: [sh, -c, 'cat /proc/sys/kernel/random/boot_id > /var/before; touch /run/gone /tmp/gone; mount -t tmpfs t /mnt; ip netns add x; ip link add br0 type bridge; systemd-run --unit=stays sleep 1000']
    on: reboots
  - reboot:
    on: reboots
    expect: { left-behind: none }
  - exec: [sh, -c, 'ps -o comm= -p 1; systemctl is-system-running; systemctl is-active stays || true; cat /run/gone /tmp/gone 2>/dev/null; ls /sys/class/net; cmp -s /var/before /proc/sys/kernel/random/boot_id || echo another boot']
    on: reboots
    expect: { output: "systemd\\nrunning\\ninactive\\nlab0\\nlo\\nanother boot" }
  - exec: [systemd-run, --wait, --pipe, --quiet, ls, /sys/class/net]
    on: reboots
    note: what systemd starts has the network of the node
    expect: { output: "lab0\\nlo" }
  - exec: [umount, /sys]
    on: reboots
    expect: { exit-code: 32 }
  - connect: { from: node, to: '10.89.0.2:9' }
    on: stays
    expect: { error: 'dial tcp 10.89.0.2:9: connect: connection refused' }
  - run-pod: web
    on: reboots
  - exec: [sh, -c, 'printf "[Service]\\nExecStart=/bin/false\\n" > /etc/systemd/system/fails.service && systemctl add-wants multi-user.target fails']
    on: reboots
  - reboot:
    on: reboots
  - exec: [systemctl, is-system-running]
    on: reboots
    note: a unit that fails is no trouble
    expect: { output: degraded, exit-code: 1 }
  - stop-pod: web
    on: reboots
  - remove-pod: web
    on: reboots
expect:
  - { on: stays, left-behind: none, pods: none }
  - { on: reboots, left-behind: none, pods: none }
`,
  );
  const { exitCode, stdout } = await lab.cnilab(run(file));
  expect(exitCode, stdout).toBe(0);
});

test('kill -9 of the lab while a node reboots leaves nothing in the engine', async () => {
  const clean = await lab.state();
  const killed: unknown[] = [];
  for (const laterMs of [0, 20, 50, 100, 200, 300]) {
    const folder = join(output, `rebooting-${laterMs}`);
    const flags = ['--backend', 'kind', '--output', folder];
    const started = lab.start(['run', 'address-after-a-reboot', ...flags]);
    await nodeInStep(folder, '2-reboot');
    await sleep(laterMs);
    started.process.kill('SIGKILL');
    killed.push((await started.finished).signal);
  }
  expect(killed).toEqual(killed.map(() => 'SIGKILL'));
  await until('the end of all that ran', async () => (await lab.state()).containers.length === 0);
  expect(await lab.state()).toEqual(clean);
});

test(`kill -9 of the lab at ${TIMES} different moments leaves nothing in the engine`, async () => {
  const clean = await lab.state();
  const runInto = (folder: string) => [
    ...['run', 'incompatible-version', '--containerd', '1.6.3', '--backend', 'kind'],
    ...['--output', join(output, folder)],
  ];
  expect((await lab.cnilab(runInto('whole'))).exitCode).toBe(0);
  const lines = journalIn(join(output, 'whole')).length;
  let killed = 0;
  for (let time = 0; time < TIMES; time += 1) {
    const folder = `killed-${time}`;
    const line = Math.round((lines * time) / TIMES);
    const { signal } = await killAtLine(lab.start(runInto(folder)), { output: join(output, folder), line });
    if (signal === 'SIGKILL') killed += 1;
  }
  expect(killed).toBeGreaterThan(TIMES / 2);
  await until('the end of all that ran', async () =>
    (await lab.state()).containers.every((one) => / (?:created|removing)$/.test(one)),
  );
  expect((await lab.cnilab(['clean'])).exitCode).toBe(0); // those that were never started
  expect(await lab.state()).toEqual(clean);
});

test('a node ends when the agent on it is killed', async () => {
  const { on } = await up('test-kind');
  await on('pkill', '--signal', 'KILL', '--full', '^/lab/bin/agent init');
  await until('its end', async () => (await lab.state()).containers.length === 0);
});

test('an image of the user is used, and the versions of the scenario are put in place', async () => {
  // as in an image of kind: its own containerd, which starts at the boot, and its own plugins
  const own = await imageOfUser(lab.docker, {
    base: image,
    commands: [
      'mkdir -p /usr/local/bin /opt/cni/bin /kind /etc/cni/net.d /etc/systemd/system/multi-user.target.wants',
      'printf "#!/bin/sh\\nexec sleep inf\\n" > /usr/local/bin/containerd && chmod +x /usr/local/bin/containerd',
      'cp /bin/false /opt/cni/bin/bridge && echo v1.24.17 > /kind/version && echo {} > /etc/cni/net.d/00-own.conf',
      'ln -s ../containerd.service /etc/systemd/system/multi-user.target.wants/',
    ],
  });
  const scenario = run('missing-version', '--containerd', '1.6.3', '--base', own);
  const { exitCode, stdout, stderr } = await lab.cnilab(scenario);
  expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
  const built = (await lab.state()).images.filter((name) => name.startsWith('localhost/cnilab-kind-node'));
  const { Config } = await lab.docker.getImage(built[0] ?? '').inspect();
  expect(Config.Labels).toMatchObject({ 'cnilab.made-from': 'localhost/my-kind:1' });
});
