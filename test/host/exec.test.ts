import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LabError } from '../../lab/core/lab-error.ts';
import { createExec, createLeashedExec } from '../../lab/host/exec.ts';
import { bundleOf } from '../rig/bundle.ts';

const env = { PATH: '/usr/bin:/bin', FROM_MAIN: 'one' };
const exec = createExec({ env });
const leashed = createLeashedExec({ env });

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cnilab-exec-'))));
afterEach(() => rmSync(folder, { recursive: true }));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test.each([
  ['exec', exec],
  ['leashed exec', leashed],
])('%s: what a command said and did is a value, word for word', async (_name, run) => {
  const argv = [
    'sh',
    '-c',
    'printf "%s|" "$@" "$FROM_MAIN" "$ADDED"; echo no >&2; exit 3',
    'sh',
    'a b',
    '$HOME;rm',
    '',
    '"',
  ];
  const { durationMs, ...result } = await run(argv, { env: { ADDED: 'two' }, cwd: folder });
  expect(durationMs).toBeGreaterThan(0);
  expect(result).toEqual({
    argv,
    exitCode: 3,
    signal: null,
    stdout: 'a b|$HOME;rm||"|one|two|',
    stderr: 'no\n',
    timedOut: false,
  });
});

test('stdin is passed completely, and a command that does not read it causes no error', async () => {
  expect(await exec(['cat'], { stdin: 'words\n' })).toMatchObject({ stdout: 'words\n', exitCode: 0 });
  expect(await exec(['true'], { stdin: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
});

test('a command that does not exist is a problem of the lab or its host', async () => {
  await expect(exec(['/no/such/command'])).rejects.toThrow(new LabError('could not start /no/such/command'));
});

test('a timeout ends the command and everything that it started', async () => {
  const pidFile = join(folder, 'pid');
  const argv = ['sh', '-c', `sleep 1000 & echo $! > ${pidFile}; wait`];
  expect(await exec(argv, { timeoutMs: 200 })).toMatchObject({
    exitCode: null,
    signal: 'SIGKILL',
    timedOut: true,
  });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await until(() => !isAlive(pid));
});

test('an abort ends the command and everything that it started, and its reason is thrown', async () => {
  const pidFile = join(folder, 'pid');
  const stop = new AbortController();
  const running = leashed(
    ['sh', '-c', `sleep 1000 & echo $! > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; wait`],
    {
      signal: stop.signal,
    },
  );
  await until(() => existsSync(pidFile));
  stop.abort(new Error('interrupted'));
  await expect(running).rejects.toThrow('interrupted');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await until(() => !isAlive(pid));
});

test('a process in the background does not delay the command', async () => {
  const result = await exec(['sh', '-c', 'sleep 1000 & echo $!']);
  expect(result.exitCode).toBe(0);
  process.kill(Number(result.stdout), 'SIGKILL');
});

test('a leashed command and everything that it started end with the lab, even after kill -9', async () => {
  const script = await bundleOf(
    folder,
    `import { createLeashedExec } from ${JSON.stringify(join(import.meta.dirname, '../../lab/host/exec.ts'))};
     await createLeashedExec({ env: process.env })(['sh', '-c', 'sleep 1000 & echo $! > pid.new; mv pid.new pid; wait']);`,
  );
  const lab = spawn(process.execPath, [script], { cwd: folder, stdio: 'ignore' });
  await until(() => existsSync(join(folder, 'pid')));
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  expect(isAlive(pid)).toBe(true);
  lab.kill('SIGKILL');
  await until(() => !isAlive(pid));
});
