import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeAll, expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { parseRecord } from '../../lab/nodes/backends/node-records.ts';
import { cnilab as run, startCnilab, type Finished } from '../rig/cnilab.ts';
import { journalIn } from '../rig/journal.ts';
import { launchedBy, processesWith } from '../rig/launched.ts';
import { makerFor } from '../rig/maker.ts';
import { callPluginsOn } from '../rig/plugin-words.ts';
import { qemuForTests } from '../rig/qemu.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const output = scratchFolder();
const state = join(ambientWorld().stateHostPath, 'vm-nodes');
let env: Readonly<Record<string, string>>;

const cnilab = (...words: string[]): Promise<Finished> => run(words, { env });

beforeAll(async () => {
  env = { CNILAB_QEMU: await qemuForTests() };
  expect(
    await cnilab('fetch', 'incompatible-version', '--containerd', '1.6.3', '--backend', 'vm'),
  ).toMatchObject({ exitCode: 0 });
});
afterEach(async () => {
  await cnilab('down', '--all');
});

/** What a virtual machine of this name has on its host. */
const leftOf = (name: string): readonly string[] => [
  ...processesWith(name),
  ...(existsSync(state) ? readdirSync(state).filter((entry) => entry.startsWith(name)) : []),
];

test('a scenario passes and a control fails as expected, as on bare', async () => {
  const args = ['--containerd', '1.6.3', '--backend', 'vm', '--output', output, '--reporter', 'json'];
  const { exitCode, stdout, stderr } = await cnilab(
    'run',
    'incompatible-version',
    'error-one-character-off',
    ...args,
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout.replaceAll(/\s/g, '')).toContain('"backend":"vm"');
});

test('scripted plugins and calls by hand work in a machine as on bare', () =>
  callPluginsOn('vm', { folder: output, cnilab: (args) => cnilab(...args) }));

test('a node of `up` can be entered, outlives the lab, and is gone after `down`', async () => {
  const name = `test-vm-${process.pid}`;
  const up = await cnilab('up', '--name', name, '--containerd', '1.6.3', '--backend', 'vm');
  expect(up).toMatchObject({ exitCode: 0 });
  expect(up.stdout).toContain(`${name} is up, with containerd v1.6.3\n`);
  expect((await cnilab('ps')).stdout).toMatch(new RegExp(`^${name} +vm +kept`, 'm'));

  expect(
    await cnilab(
      'enter',
      name,
      '--',
      'sh',
      '-c',
      'hostname; echo "$1"; echo err >&2; exit 7',
      'sh',
      '--keep  x',
    ),
  ).toMatchObject({ exitCode: 7, stdout: `${name}\n--keep  x\n`, stderr: 'err\n' });
  expect(await cnilab('enter', name, 'sh', '-c', 'kill -9 $$')).toMatchObject({ exitCode: 137 });
  expect(await cnilab('enter', name, '--', 'no-such-program')).toMatchObject({ exitCode: 127, stdout: '' });
  expect((await cnilab('enter', name, '--', 'crictl', 'pods')).stdout).toMatch(/^POD ID /);
  // its own kernel, clock and cgroups
  const seen = await cnilab(
    'enter',
    name,
    '--',
    'sh',
    '-c',
    'uname -r; stat -fc %T /sys/fs/cgroup; date +%s',
  );
  const [kernel, cgroups, seconds] = seen.stdout.split('\n');
  expect([kernel, cgroups]).toEqual([expect.stringMatching(/-cloud-/), 'cgroup2fs']);
  expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(10_000);

  expect(await cnilab('down', name)).toMatchObject({ exitCode: 0, stdout: `${name} is down\n` });
  expect(leftOf(name)).toEqual([]);
});

/** How far a run is, by a line in its journal. */
const MOMENTS: Readonly<Record<string, (line: Readonly<Record<string, unknown>>) => boolean>> = {
  'its node is ready': ({ kind }) => kind === 'node-ready',
  'its first step is taken': ({ kind, stepId }) => kind === 'step-started' && stepId === '1-run-pod',
  'its last step is taken': ({ kind, stepId }) =>
    kind === 'step-started' && String(stepId).endsWith('-remove-listed-pods'),
};

test.each([['its machine begins', undefined] as const, ...Object.entries(MOMENTS)])(
  'kill -9 of the lab when %s leaves no process, no socket and no folder',
  async (moment, isReached) => {
    const folder = join(output, moment.replaceAll(' ', '-'));
    const lab = startCnilab(
      ['run', 'incompatible-version', '--containerd', '1.6.3', '--backend', 'vm', '--output', folder],
      { env },
    );
    const name = await until('its machine', async () => (await launchedBy(lab.process.pid, state))[0]);
    if (isReached !== undefined) await until(moment, () => journalIn(folder).some(isReached));
    lab.process.kill('SIGKILL');
    expect((await lab.finished).signal).toBe('SIGKILL');
    await until(`the end of ${name}`, () => leftOf(name).length === 0);
  },
);

test('if the launcher is killed too, the kernel ends QEMU, and the next lab removes what is left', async () => {
  const name = `test-vm-killed-${process.pid}`;
  expect(await cnilab('up', '--name', name, '--containerd', '1.6.3', '--backend', 'vm')).toMatchObject({
    exitCode: 0,
  });
  const record = parseRecord(readFileSync(join(state, `${name}.json`), 'utf8'));
  const launcherPid = record?.launcherPid ?? 0;
  process.kill(launcherPid, 'SIGKILL');
  await until('the end of QEMU', () => processesWith(name).length === 0);
  expect((await cnilab('clean')).stdout).toContain(`removed what was left of node ${name}\n`);
  expect(leftOf(name)).toEqual([]);
});

test('a saved guest is resumed as another node; if it is damaged, the node still starts', async () => {
  const maker = await makerFor('vm', env);
  const identityOf = async (suffix: string) => {
    const name = `test-vm-${suffix}-${process.pid}`;
    const node = await maker.start({ name, artifacts: [] });
    const script =
      'hostname; cat /etc/machine-id /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid; date +%s';
    const { stdout } = await node.exec(['sh', '-c', script]);
    await node.end();
    const [hostname, machineId, bootId, uuid, seconds] = stdout.split('\n');
    expect(hostname).toBe(name);
    expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(10_000);
    return { ids: [machineId, bootId, uuid], resumed: node.startMs };
  };
  await identityOf('first'); // saves one, if there is none
  const savedGuests = () => indexEntries().filter(({ text }) => text.includes('vm-saved-guest'));
  await until('a saved guest', () => savedGuests().length > 0);
  const [one, other] = await Promise.all([identityOf('one'), identityOf('other')]);
  expect(new Set([...one.ids, ...other.ids]).size).toBe(6);

  for (const { saved } of savedGuests()) writeFileSync(saved, 'damaged');
  await identityOf('after-damage');
});

/** The entries of the cache's index, and the path of the saved guest of such an entry. */
function indexEntries(): readonly { readonly text: string; readonly saved: string }[] {
  const { cacheHostPath } = ambientWorld();
  return readdirSync(join(cacheHostPath, 'index')).flatMap((entry) => {
    const text = readFileSync(join(cacheHostPath, 'index', entry), 'utf8');
    const key = /"key":"([0-9a-f]+)"/.exec(text)?.[1] ?? '';
    const saved = join(cacheHostPath, 'artifacts', key, 'guest.saved');
    return existsSync(saved) ? [{ text, saved }] : [];
  });
}

test('a guest that cannot boot ends the node with the end of its console, and nothing is left behind', async () => {
  const root = join(output, 'broken-root');
  mkdirSync(root, { recursive: true });
  writeFileSync(join(root, 'root.erofs'), Buffer.alloc(1 << 20));
  const name = `test-vm-broken-${process.pid}`;
  const maker = await makerFor('vm', env, { 'vm-root': root });
  await expect(maker.start({ name, artifacts: [] })).rejects.toThrow(
    new RegExp(
      `^node ${name} did not start: the virtual machine ended by itself .*its console ended with:\\n[^]*could not mount /dev/vd. on /root \\(erofs\\)`,
    ),
  );
  await maker.end();
  expect(leftOf(name)).toEqual([]);
});

test('a kernel that lacks a driver is rejected with one message, and nothing is started', async () => {
  const modules = join(output, 'modules/1.2.3-test');
  mkdirSync(join(modules, 'kernel'), { recursive: true });
  for (const name of ['virtio_pci', 'virtio_console', 'erofs', 'overlay'])
    writeFileSync(join(modules, `kernel/${name}.ko`), '\0depends=\0');
  for (const list of ['modules.order', 'modules.builtin']) writeFileSync(join(modules, list), '');
  writeFileSync(join(output, 'vmlinuz'), 'not a kernel');
  const kernel = `local:${join(output, 'vmlinuz')},${modules}`;
  const args = ['run', 'incompatible-version', '--containerd', '1.6.3', '--output', output];
  const { exitCode, stdout, stderr } = await cnilab(...args, '--backend', 'vm', '--kernel', kernel);
  expect({ exitCode, stdout: stdout.includes('pass'), stderr }).toEqual({
    exitCode: 69,
    stdout: false,
    stderr: expect.stringContaining('it has no virtio_blk, neither as a module nor built in') as string,
  });
});

test('without QEMU the message says what to install', async () => {
  const args = [
    'run',
    'incompatible-version',
    '--containerd',
    '1.6.3',
    '--backend',
    'vm',
    '--output',
    output,
  ];
  expect(await run(args, { env: { CNILAB_QEMU: '/no/qemu' } })).toMatchObject({
    exitCode: 69,
    stderr: [
      'cnilab: vm nodes are not available here: CNILAB_QEMU names /no/qemu, which is not there',
      '  - install QEMU: apt install qemu-system-x86, dnf install qemu-system-x86-core',
      '  - or name one: CNILAB_QEMU=/path/to/qemu',
      '',
    ].join('\n'),
  });
});

test.each(['in a machine', 'in one that goes on from a saved one'])(
  'plugin calls are recorded %s',
  async () => {
    const args = ['--containerd', '1.6.3', '--backend', 'vm', '--output', output];
    const recorded = await cnilab('run', 'plugin-calls', ...args);
    expect(recorded.exitCode, recorded.stdout).toBe(0);
  },
);
