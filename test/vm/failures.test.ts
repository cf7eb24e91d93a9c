import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { labFailuresIn, nodeInStep } from '../rig/journal.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';
import { vmLab } from '../rig/vm-lab.ts';

const folder = scratchFolder();
const output = (name: string): string => join(folder, name);
let lab: Awaited<ReturnType<typeof vmLab>>;

/** A scenario of one step. */
function scenarioOf(name: string, script: string, timeout: string): string {
  const path = join(folder, `${name}.yaml`);
  const step = [`  - exec: [sh, -c, ${JSON.stringify(script)}]`, `    timeout: ${timeout}`];
  const node = 'node: { containerd: 1.6.3, cni-plugins: 1.1.1 }';
  writeFileSync(path, [`name: ${name}`, 'summary: one step', node, 'steps:', ...step, ''].join('\n'));
  return path;
}

const runInto = (name: string, scenario: string): readonly string[] => [
  ...['run', scenario, '--backend', 'vm', '--output', output(name)],
];

beforeAll(async () => {
  lab = await vmLab();
  const fetched = await lab.cnilab(['fetch', scenarioOf('fetched', 'true', '9s'), '--backend', 'vm']);
  expect(fetched).toMatchObject({ exitCode: 0, stderr: '' });
  // its disk of artifacts is in the cache from here on, unless a test removes it
  const made = await lab.cnilab([...runInto('made', 'incompatible-version'), '--containerd', '1.6.3']);
  expect(made).toMatchObject({ exitCode: 0 });
});

test('a guest that panics during a step is inconclusive, with the end of its console, and nothing is left behind', async () => {
  const running = lab.start(runInto('panic', scenarioOf('panic', 'sleep 1000', '1000s')));
  const name = await nodeInStep(output('panic'), '1-exec');
  const panic = 'mkdir /tmp/proc && mount -t proc proc /tmp/proc && echo c >/tmp/proc/sysrq-trigger';
  const entered = await lab.cnilab(['enter', name, '--', 'sh', '-c', panic]);
  expect(entered).toMatchObject({ exitCode: 1, stderr: 'the virtual machine is gone: EOF\n' });

  const { exitCode, stdout, stderr } = await running.finished;
  expect({ exitCode, stderr }).toEqual({ exitCode: 69, stderr: '' });
  expect(stdout).toMatch(
    /^inconclusive {2}panic .*\n {6}one step\n {6}1-exec: the run did not come to its end: /m,
  );
  const words = new RegExp(
    `^${name} is gone: the virtual machine ended by itself .*; its console ended with:\\n[^]*Kernel panic - not syncing: sysrq triggered crash$`,
  );
  expect(labFailuresIn(output('panic'))).toEqual([['the steps', expect.stringMatching(words)]]);
  expect(lab.leftOf(name)).toEqual([]);
});

const SAY = 'mknod /tmp/kmsg c 1 11; echo "<2>the disk is on fire" >/tmp/kmsg; sleep 1000';

test.each([
  ['stopped', SAY, 'ended with:\n[^\n]*the disk is on fire'],
  ['silent', 'sleep 1000', 'showed nothing'],
])('a machine that is %s in a step is inconclusive as well, and is ended', async (run, script, shown) => {
  const running = lab.start(runInto(run, scenarioOf(run, script, '10s')));
  const name = await nodeInStep(output(run), '1-exec');
  const { initPid, folder = '' } = lab.recordOf(name);
  const console = join(folder, 'console.log');
  await until('its word', () => script !== SAY || readFileSync(console, 'utf8').includes('fire'));
  process.kill(initPid, 'SIGSTOP');

  const { exitCode, stdout, stderr } = await running.finished;
  expect({ exitCode, stderr }).toEqual({ exitCode: 69, stderr: '' });
  expect(stdout).toMatch(
    /^inconclusive {2}s.*\n {6}one step\n {6}1-exec: the run did not come to its end: /m,
  );
  const words = new RegExp(`^${name} did not answer "exec" within 20000 ms; its console ${shown}$`);
  expect(labFailuresIn(output(run))).toEqual([['the steps', expect.stringMatching(words)]]);
  expect(lab.leftOf(name)).toEqual([]);
});

test('a full disk of the guest is inconclusive, and the message has its limit', async () => {
  const fill = scenarioOf('filled', 'dd if=/dev/zero of=/fill bs=1M; df / >&2', '60s');
  appendFileSync(fill, '  - run-pod: web\n');
  const { exitCode, stdout, stderr } = await lab.cnilab(runInto('filled', fill));
  expect({ exitCode, stderr }).toEqual({ exitCode: 69, stderr: '' });
  expect(stdout).toMatch(
    /^inconclusive {2}filled .*\n {6}one step\n {6}1-exec: the run did not come to its end: /m,
  );
  const words =
    /^lab-[0-9a-f]+-1: \/ on the node is full, with its limit of \d+ MiB; `node: { limits: … }` sets it$/;
  expect(labFailuresIn(output('filled'))).toEqual([['the steps', expect.stringMatching(words)]]);
});

interface Room {
  readonly roomMiB: number;
  /** maximum size of a file */
  readonly fileMiB?: number;
  /** what the cache must not contain */
  readonly without: 'vm-artifacts' | 'vm-saved-guest';
}

/**
 * A run with this much room for the lab's cache, in a layer over the cache that only this run sees. The layer has an
 * index of its own, without the entries of one kind, because other tests write to the cache meanwhile. The result has
 * the run's output, and then what is left of nodes, of incomplete cache entries and of that kind.
 */
async function runWithRoom(name: string, { roomMiB, fileMiB, without }: Room) {
  const { cacheHostPath } = ambientWorld();
  const script = `
    mount -t tmpfs -o size=${roomMiB}m none "$1" && cd "$1" && mkdir upper upper/staging work hidden &&
      cp -r "$0/index" upper && mknod hidden/index c 0 0 && mknod hidden/staging c 0 0 &&
      mount -t overlay -o "lowerdir=hidden:$0,upperdir=upper,workdir=work" none "$0" && cd "$OLDPWD" || exit 99
    grep -l '"name":"${without}' "$0"/index/*.json | xargs -r rm
    shift; (ulimit -f ${fileMiB === undefined ? 'unlimited' : fileMiB * 2048}; exec "$@"); exitCode=$?
    ls -A "$CNILAB_STATE/vm-nodes"; ls -A "$0/staging"; grep -l '"name":"${without}' "$0"/index/*.json
    exit $exitCode`;
  const room = join(folder, `room-of-${name}`);
  mkdirSync(room);
  const as = ['unshare', '--mount', 'sh', '-c', script, cacheHostPath, room];
  const args = runInto(name, 'incompatible-version');
  const { exitCode, stdout, stderr } = await lab.cnilab([...args, '--containerd', '1.6.3'], { as });
  const [printed, left] = stdout.split(/^1 (?:passed|inconclusive) in .*\n/m);
  return { exitCode, stderr, printed, left };
}

test('no room for the disk of artifacts is one message, and leaves no incomplete entry', async () => {
  const { printed, ...rest } = await runWithRoom('no-room', { roomMiB: 40, without: 'vm-artifacts' });
  expect(rest).toEqual({ exitCode: 69, stderr: '', left: '' });
  expect(printed).toMatch(/^inconclusive {2}incompatible-version /m);
  expect(labFailuresIn(output('no-room'))).toEqual([
    [
      expect.stringMatching(/^starting node /),
      `no space left for the cache in ${ambientWorld().cacheHostPath}; make room, run "cnilab clean --cache", or set XDG_CACHE_HOME to a folder on another disk`,
    ],
  ]);
});

test.each([
  ['is not available', 'little', { roomMiB: 40 }],
  ['comes to its end on the way', 'ends', { roomMiB: 6 * 1024, fileMiB: 60 }],
])('room to save a guest that %s is no failure', async (_, name, room) => {
  const { printed, ...rest } = await runWithRoom(name, { ...room, without: 'vm-saved-guest' });
  expect(rest).toEqual({ exitCode: 0, stderr: '', left: '' });
  expect(printed).toMatch(/^pass {2}incompatible-version /m);
});
