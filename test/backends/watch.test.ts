import { spawn, spawnSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, test } from 'vitest';

import { cnilab, ROOT, startCnilab } from '../rig/cnilab.ts';
import { processesWith } from '../rig/launched.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { until } from '../rig/until.ts';

const folder = scratchFolder();
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const SCENARIO = (name: string) => `name: ${name}
summary: A file that is copied onto the node
node: { containerd: 1.6.4, cni-plugins: 1.1.1, files: { /etc/motd: { from: ./${name}.motd } } }
steps:
  - exec: [grep, -q, hello, /etc/motd]
    expect: { ok: true }
`;

beforeEach(() => {
  for (const name of ['one', 'two']) {
    write(`${name}.yaml`, SCENARIO(name));
    write(`${name}.motd`, 'hello\n');
  }
});

/** Waits for a text in the output that follows the previous match. */
function reader(output: () => string): (text: string) => Promise<string> {
  let read = 0;
  return async (text) => {
    const from = read;
    await until(text, () => output().includes(text, from));
    read = output().indexOf(text, from) + text.length;
    return output().slice(from, read);
  };
}

test('a save runs the affected scenarios within a second, a mistake is shown, and Ctrl-C leaves nothing behind', async () => {
  expect((await cnilab(['fetch', '.'], { cwd: folder })).exitCode).toBe(0);
  const lab = startCnilab(['run', '.', '--watch'], { cwd: folder });
  const shown = reader(() => lab.output());
  await shown('2 passed in ');
  await shown('watching 2 scenario files');

  write('two.motd', 'bye\n');
  const savedMs = performance.now();
  await shown('two.motd changed\n');
  expect(performance.now() - savedMs).toBeLessThan(1000);
  const failed = await shown('watching 2');
  expect(failed).toContain('1 failed in ');
  expect(failed).not.toContain('  one ');

  write('new', 'hello again\n');
  renameSync(join(folder, 'new'), join(folder, 'two.motd')); // as editors save
  expect(await shown('watching 2')).toContain('1 passed in ');

  write('one.yaml', SCENARIO('one').replace('exec:', 'exce:'));
  await shown('one.yaml changed\n');
  await until('the mistake', () => lab.errors().includes('one.yaml:5:5'));
  await shown('watching 2');
  write('one.yaml', SCENARIO('one'));
  expect(await shown('watching 2')).toContain('1 passed in ');

  write('three.yaml', SCENARIO('three').replace('three.motd', 'one.motd'));
  expect(await shown('watching 3')).toContain('pass  three');

  lab.process.kill('SIGINT');
  const { exitCode, stdout } = await lab.finished;
  expect(exitCode).toBe(130);
  const sessions = [...stdout.matchAll(/recorded in \S*-([0-9a-f]{6})\n/g)].map(([, id]) => id);
  expect(sessions).toHaveLength(5);
  for (const id of sessions) expect(processesWith(`lab-${id}`)).toEqual([]);
});

test('keys on a terminal', async ({ skip }) => {
  if (spawnSync('script', ['--version']).error !== undefined) return skip('there is no script(1)');
  const command = `'${process.execPath}' '${ROOT}/bin/cnilab.cjs' run one.yaml --watch --no-color`;
  const terminal = spawn('script', ['-qefc', command, '/dev/null'], { cwd: folder });
  let output = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve) => terminal.on('close', resolve));
  const shown = reader(() => output);
  await shown('watching 1');
  terminal.stdin.write('f');
  await shown('every run passed the last time');
  terminal.stdin.write('a');
  expect(await shown('watching 1')).toContain('1 passed in ');
  write('one.motd', 'bye\n');
  expect(await shown('watching 1')).toContain('1 failed in ');
  terminal.stdin.write('f');
  expect(await shown('watching 1')).toContain('1 failed in ');
  terminal.stdin.write('q');
  expect(await ended).toBe(1);
});
