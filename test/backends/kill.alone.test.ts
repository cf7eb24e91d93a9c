import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';

import { parseRecord, type NodeRecord } from '../../lab/nodes/backends/node-records.ts';
import { cnilab, startCnilab } from '../rig/cnilab.ts';
import { hostState, type HostState } from '../rig/host-state.ts';
import { journalIn, killAtLine, nodeInStep } from '../rig/journal.ts';
import { launchedBy, RECORDS } from '../rig/launched.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { settled } from '../rig/settled.ts';
import { until } from '../rig/until.ts';

const TIMES = 50;
/** how many of the kills come before the first line of a journal */
const EARLY = 5;

const output = scratchFolder();
const runInto = (folder: string) => [
  ...['run', 'incompatible-version', '--containerd', '1.6.3,1.6.4'],
  ...['--output', join(output, folder)],
];
const args = runInto('all');
let before: HostState;
/** the number of lines in its journals, so that the kills are spread over all of them */
let lines: number;

beforeAll(async () => {
  expect((await cnilab(args)).exitCode).toBe(0); // now everything is in the cache
  lines = journalIn(join(output, 'all')).length;
  before = await settled(hostState([output]), [output]);
});

/** The records of nodes that exist now and did not exist before. */
const newRecords = (): readonly NodeRecord[] =>
  readdirSync(RECORDS)
    .filter((name) => name.endsWith('.json') && !before.etc.includes(join(RECORDS, name)))
    .flatMap((name) => parseRecord(readFileSync(join(RECORDS, name), 'utf8')) ?? []);

test(`kill -9 of the lab at ${TIMES} different moments leaves the host as it was`, async () => {
  let killed = 0;
  for (let time = 0; time < TIMES; time += 1) {
    const folder = `killed-${time}`;
    const lab = startCnilab(runInto(folder));
    // the first node begins before there is a journal
    if (time > 0) await until('a node', async () => (await launchedBy(lab.process.pid, RECORDS))[0]);
    const line = Math.max(0, Math.round((lines * (time - EARLY)) / (TIMES - EARLY)));
    const { signal } = await killAtLine(lab, { output: join(output, folder), line });
    if (signal === 'SIGKILL') killed += 1;
  }
  expect(killed).toBeGreaterThan(TIMES / 2); // otherwise this test has killed nothing
  expect(await settled(before, [output])).toEqual(before);
});

test('kill -9 of the lab while a node reboots leaves the host as it was', async () => {
  const killed: unknown[] = [];
  for (const laterMs of [0, 5, 10, 20, 40]) {
    const folder = join(output, `rebooting-${laterMs}`);
    const lab = startCnilab(['run', 'address-after-a-reboot', '--output', folder]);
    await nodeInStep(folder, '2-reboot');
    await sleep(laterMs);
    lab.process.kill('SIGKILL');
    killed.push((await lab.finished).signal);
  }
  expect(killed).toEqual(killed.map(() => 'SIGKILL'));
  expect(await settled(before, [output])).toEqual(before);
});

/** Kills a lab and the launchers of its nodes. Returns the records of the nodes. */
async function killWithLaunchers(): Promise<readonly NodeRecord[]> {
  const lab = startCnilab(args);
  const records = await until('a node with a process', () => {
    const found = newRecords();
    return found.some(({ initPid }) => initPid > 0) && found;
  });
  for (const { launcherPid } of records) process.kill(launcherPid, 'SIGKILL');
  lab.process.kill('SIGKILL');
  await lab.finished;
  return records;
}

test('kill -9 of the lab and of its launchers: the nodes are gone, and clean removes the rest', async () => {
  const records = await killWithLaunchers();
  const { exitCode, stdout, stderr } = await cnilab(['clean']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const { name } of records) expect(stdout).toContain(`removed what was left of node ${name}\n`);
  expect(await settled(before, [output])).toEqual(before);
});

test('the next run removes what a killed lab left behind, and passes', async () => {
  const records = await killWithLaunchers();
  const { exitCode, stdout } = await cnilab(args);
  expect(exitCode).toBe(0);
  for (const { name } of records) expect(stdout).toContain(`removed what was left of node ${name}\n`);
  expect(await settled(before, [output])).toEqual(before);
});

/** Leaks as a lab could make them. `undo` removes each of them. */
const LEAKS: Readonly<Record<string, { make: () => void; undo: () => void; seenIn: keyof HostState }>> = {
  'a mount': {
    make: () => {
      mkdirSync(join(output, 'mount'));
      run('mount', '-t', 'tmpfs', 'leak', join(output, 'mount'));
    },
    undo: () => {
      run('umount', join(output, 'mount'));
      rmdirSync(join(output, 'mount'));
    },
    seenIn: 'mounts',
  },
  'a cgroup': {
    make: () => mkdirSync(join(firstCgroup(), 'cnilab-test-leak')),
    undo: () => rmdirSync(join(firstCgroup(), 'cnilab-test-leak')),
    seenIn: 'cgroups',
  },
  'a temporary file': {
    make: () => writeFileSync('/tmp/cnilab-leak-of-a-test', ''),
    undo: () => rmSync('/tmp/cnilab-leak-of-a-test'),
    seenIn: 'temporaryFiles',
  },
  'a record of a node': {
    make: () => writeFileSync(join(RECORDS, 'leak-of-a-test.txt'), ''),
    undo: () => rmSync(join(RECORDS, 'leak-of-a-test.txt')),
    seenIn: 'etc',
  },
};

const run = (program: string, ...argv: string[]): void => void execFileSync(program, argv, { stdio: 'pipe' });

function firstCgroup(): string {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((text) => / - cgroup2? /.test(text));
  return line?.split(' ')[4] ?? '/sys/fs/cgroup';
}

test.each(Object.entries(LEAKS))('%s that is left behind is detected', (_, { make, undo, seenIn }) => {
  const clean = hostState([output]);
  make();
  try {
    expect(hostState([output])[seenIn]).not.toEqual(clean[seenIn]);
  } finally {
    undo();
  }
  expect(hostState([output])[seenIn]).toEqual(clean[seenIn]);
});

test('a process that is left behind, and its network namespace, are detected', async () => {
  const clean = hostState([output]);
  const leak = spawn('unshare', ['--net', 'bash', '-c', 'exec -a containerd-leak sleep 1000'], {
    stdio: 'ignore',
  });
  try {
    const seen = await until('the process', () => {
      const now = hostState([output]);
      return now.processes.some((one) => one.endsWith('sleep containerd-leak 1000')) && now;
    });
    expect(seen.processes).not.toEqual(clean.processes);
    expect(seen.netns).not.toEqual(clean.netns);
  } finally {
    const ended = once(leak, 'exit');
    leak.kill('SIGKILL');
    await ended;
  }
  expect(await settled(clean, [output])).toEqual(clean);
});

test('a link and a named network namespace that are left behind are detected', async () => {
  // In a network and mount namespace of its own, so that the test does not touch the host's.
  const script = `
    import { hostState } from ${JSON.stringify(new URL('../rig/host-state.ts', import.meta.url).pathname)};
    import { execFileSync } from 'node:child_process';
    const before = hostState();
    execFileSync('ip', ['link', 'add', 'leak0', 'type', 'bridge']);
    execFileSync('ip', ['netns', 'add', 'leak']);
    const after = hostState();
    const changed = Object.keys(after).filter((key) => JSON.stringify(after[key]) !== JSON.stringify(before[key]));
    console.log(JSON.stringify(['links', 'netns', 'mounts'].filter((key) => changed.includes(key))));`;
  const bundled = join(output, 'see-leaks.mjs');
  const { build } = await import('esbuild');
  await build({
    stdin: { contents: script, resolveDir: output, loader: 'ts' },
    outfile: bundled,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  const inside = `mount -t tmpfs run /run && mount -t sysfs sysfs /sys; exec "$0" "$1"`;
  const seen = execFileSync('unshare', ['--net', '--mount', 'sh', '-c', inside, process.execPath, bundled], {
    encoding: 'utf8',
  });
  expect(seen).toBe('["links","netns","mounts"]\n');
});
