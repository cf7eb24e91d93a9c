import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { cnilab, ROOT, startCnilab, type Started } from '../rig/cnilab.ts';
import { hostState, type HostState } from '../rig/host-state.ts';
import { processesWith } from '../rig/launched.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { settled } from '../rig/settled.ts';
import { until } from '../rig/until.ts';

const output = scratchFolder();
const scenario = join(output, 'long.yaml');
const TOLD = (signal: string): string =>
  `${signal}: everything is being taken down; a second one does not wait for it\n`;

let before: HostState;

beforeAll(async () => {
  writeFileSync(
    scenario,
    [
      'name: long',
      'summary: a step that does not end by itself',
      'node: { containerd: 1.6.4, cni-plugins: 1.1.1 }',
      'steps:',
      '  - exec: [sh, -c, "ip netns add one; sleep 1000 & sleep 1000"]',
      '    timeout: 1000s',
      '',
    ].join('\n'),
  );
  expect((await cnilab(['fetch', scenario])).exitCode).toBe(0);
  before = await settled(hostState([output]), [output]);
});

/** A run in the middle of its step. */
async function startRun(
  name: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Started & { readonly runHostPath: string }> {
  const session = join(output, name);
  const lab = startCnilab(['run', scenario, '--output', session], { env });
  const journal = await until('the step in the journal', () => {
    const folder = existsSync(session) ? readdirSync(session)[0] : undefined;
    const file = join(session, folder ?? '', 'long/journal.jsonl');
    return existsSync(file) && readFileSync(file, 'utf8').includes('"1-exec"') && file;
  });
  return { ...lab, runHostPath: dirname(journal) };
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s during a step takes the node down, says so and exits with %i', async (signal, code) => {
  const lab = await startRun(signal);
  lab.process.kill(signal);
  const { exitCode, stdout, stderr } = await lab.finished;
  expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: '' });
  expect(stdout).toContain(TOLD(signal));
  expect(stdout).toMatch(/^inconclusive {2}long /m);
  expect(stdout).toContain('1 inconclusive in ');
  expect(await settled(before, [output])).toEqual(before);

  const again = await cnilab(['judge', lab.runHostPath]);
  expect(again.exitCode).toBe(69);
  expect(again.stdout).toContain(`the run did not come to its end: interrupted by ${signal}`);
});

test('a second signal does not wait, and still nothing is left behind', async () => {
  const lab = await startRun('twice');
  lab.process.kill('SIGINT');
  await until('its answer', () => lab.output().includes(TOLD('SIGINT')));
  lab.process.kill('SIGINT');
  expect((await lab.finished).exitCode).toBe(130);
  expect(await settled(before, [output])).toEqual(before);
});

test.each([
  ['run', [scenario, '--output', output]],
  ['fetch', [scenario]],
  ['up', ['--containerd', '1.6.4']],
])('%s is interrupted while a component is built', async (verb, args) => {
  const cache = join(output, `cache-of-${verb}`);
  const lab = startCnilab([verb, ...args], { env: { XDG_CACHE_HOME: cache } });
  try {
    await until('a build', () => processesWith(`-o ${cache}`).length > 0);
  } finally {
    lab.process.kill('SIGINT');
  }
  const { exitCode, stdout, stderr } = await lab.finished;
  expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: '' });
  expect(stdout).toContain(TOLD('SIGINT'));
  expect(processesWith(cache)).toEqual([]);
  expect(readdirSync(join(cache, 'cnilab/staging'))).toEqual([]);
  expect(await settled(before, [output])).toEqual(before);
});

test('a closed output (`| head -1`) ends the run, and nothing is left behind', async () => {
  const command = `node bin/cnilab.cjs run incompatible-version --output ${output} | head -1; echo "\${PIPESTATUS[0]}"`;
  expect(execFileSync('bash', ['-c', command], { cwd: ROOT, encoding: 'utf8' })).toMatch(
    /^\d+ runs on bare, \d+ at a time\n143\n$/,
  );
  expect(await settled(before, [output])).toEqual(before);
});

test('an unexpected error during a step: exit code 70, one message, and nothing is left behind', async () => {
  const preload = join(output, 'throws.cjs');
  writeFileSync(preload, "process.on('SIGUSR2', () => { throw new TypeError('x is not a function'); });\n");
  const lab = await startRun('bug', { NODE_OPTIONS: `--require=${preload}` });
  lab.process.kill('SIGUSR2');
  const { exitCode, stdout, stderr } = await lab.finished;
  expect(exitCode).toBe(70);
  const [first, second, ...more] = stderr.trimEnd().split('\n');
  expect(first).toBe(
    'cnilab: an unexpected error inside cnilab, which says nothing about the runtime: x is not a function',
  );
  expect(second).toMatch(/^ {2}its stack is in \/.*\/last-crash\.txt$/);
  expect(more).toEqual([]);
  const file = second?.slice(second.indexOf('/')) ?? '';
  expect(readFileSync(file, 'utf8')).toContain('TypeError: x is not a function');
  rmSync(file);
  expect(stdout).toContain(
    'the run did not come to its end: interrupted by an unexpected error inside cnilab',
  );
  expect(await settled(before, [output])).toEqual(before);
});
