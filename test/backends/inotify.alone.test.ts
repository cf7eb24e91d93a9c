import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

// Not beside other tests: the instances of inotify of a user are for the whole host.
const output = scratchFolder();
const file = join(output, 'file');
writeFileSync(file, '');

const allowed = Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8'));
const holders: ChildProcess[] = [];

/** Takes all instances but these. Each `tail` has one, or says that it gets none. */
async function leave(free: number): Promise<void> {
  for (let isFull = false; !isFull;) {
    const tail = spawn('tail', ['--follow', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    holders.push(tail);
    tail.stderr.once('data', () => (isFull = true));
    while (!isFull && !watches(tail)) await sleep(2);
  }
  for (const tail of holders.splice(0, free)) await killed(tail);
}

const watches = ({ pid }: ChildProcess): boolean =>
  readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(':inotify');
    } catch {
      return false; // it was closed meanwhile
    }
  });

async function killed(tail: ChildProcess): Promise<void> {
  const ended = once(tail, 'exit');
  tail.kill('SIGKILL');
  await ended;
}

afterEach(() => Promise.all(holders.splice(0).map(killed)));

test.skipIf(allowed > 1000).each([0, 1])(
  'with %i instances of inotify left on the host, a run is inconclusive and says what to do',
  async (free) => {
    await leave(free);
    const flags = ['--containerd', '1.6.3', '--backend', 'bare', '--output', join(output, String(free))];
    const { exitCode, stdout } = await cnilab(['run', 'missing-version', ...flags]);
    expect(exitCode, stdout).toBe(69);
    expect(stdout).toContain('too many open files');
    expect(stdout).toContain('raise fs.inotify.max_user_instances, or run fewer nodes at a time');
  },
);
