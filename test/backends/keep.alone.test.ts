import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeAll, expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { hostState, type HostState } from '../rig/host-state.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { settled } from '../rig/settled.ts';

const output = scratchFolder();
const args = ['run', 'incompatible-version', '--containerd', '1.6.3', '--output', output];
let before: HostState;

beforeAll(async () => {
  expect((await cnilab(args)).exitCode).toBe(0);
  expect(await cnilab(['ps'])).toMatchObject({ stdout: '', stderr: 'no node is up\n' }); // these tests end all kept nodes
  // from here on the default components of `up` are in the cache, so their download is not reported again
  expect((await cnilab(['up', '--name', 'test-first', '--containerd', '1.6.4'])).exitCode).toBe(0);
  await cnilab(['down', 'test-first']);
  before = await settled(hostState([output]), [output]);
});
afterEach(async () => {
  await cnilab(['down', '--all']);
});

const printed = async (...words: string[]) => {
  const { exitCode, stdout, stderr } = await cnilab(words);
  return { exitCode, stdout, stderr };
};

const NOTHING_LEFT = 'killed runs left nothing on this host\n';

/** Starts a node with `up`. The names of these tests are their own. */
async function up(name: string, ...flags: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await printed('up', '--name', name, '--containerd', '1.6.4', ...flags);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: `${name} is up, with containerd v1.6.4\n  cnilab enter ${name}\n  cnilab down ${name}\n`,
    stderr: '',
  });
}

test('run --keep prints the command that enters the node and the one that ends it, and both work', async () => {
  const { exitCode, stdout } = await cnilab([...args, '--keep']);
  expect(exitCode).toBe(0);
  const result =
    / {6}the node was kept\n {8}enter it {2}cnilab enter (lab-\w+-1)\n {8}end it {4}cnilab down \1\n/.exec(
      stdout,
    );
  const name = result?.[1] ?? '';
  expect(stdout).toContain(`cnilab enter ${name}\n`);

  expect((await printed('ps')).stdout).toMatch(new RegExp(`^${name} {2}bare {7}kept {4}up \\d+ min\n$`));
  expect(await printed('enter', name, '--', 'hostname')).toEqual({
    exitCode: 0,
    stdout: `${name}\n`,
    stderr: '',
  });
  expect(await printed('down', name)).toEqual({ exitCode: 0, stdout: `${name} is down\n`, stderr: '' });
  expect(await printed('ps')).toEqual({ exitCode: 0, stdout: '', stderr: 'no node is up\n' });
  expect(await settled(before, [output])).toEqual(before);
});

test('up makes a node of these versions and this configuration', async () => {
  const config = join(output, '10-mine.conflist');
  const text = JSON.stringify({
    cniVersion: '1.0.0',
    name: 'mine-${not-a-capture}',
    plugins: [
      {
        type: 'bridge',
        bridge: 'mine0',
        ipam: { type: 'host-local', ranges: [[{ subnet: '10.9.0.0/24' }]] },
      },
    ],
  });
  writeFileSync(config, text);
  await up('test-up', '--cni-plugins', '1.1.1', '--cni-config', config);
  const on = async (...command: string[]) => (await printed('enter', 'test-up', '--', ...command)).stdout;
  expect(await on('cat', '/etc/cni/net.d/10-mine.conflist')).toBe(text);
  expect(await on('sh', '-c', '/opt/cni/bin/bridge --version 2>&1; true')).toMatch(/1\.1\.1/);
  expect(await on('crictl', 'pods', '-q')).toBe('');
  expect(await on('crictl', 'info')).toContain('"mine-${not-a-capture}"');
});

test('enter passes on arguments, streams and exit codes unchanged', async () => {
  await up('test-enter');
  expect(
    await printed(
      'enter',
      'test-enter',
      '--',
      'sh',
      '-c',
      'echo "$1"; echo err >&2; exit 7',
      'sh',
      '--keep  x',
    ),
  ).toEqual({
    exitCode: 7,
    stdout: '--keep  x\n',
    stderr: 'err\n',
  });
  expect(await printed('enter', 'test-enter', 'sh', '-c', 'kill -9 $$')).toMatchObject({ exitCode: 137 });
  expect(await printed('enter', 'test-enter', '--', 'no-such-program')).toMatchObject({
    exitCode: 127,
    stdout: '',
  });
  expect((await printed('enter', 'test-enter', '--', 'crictl', 'pods')).stdout).toMatch(/^POD ID /);
  expect(await printed('enter', 'test-enter')).toEqual({ exitCode: 0, stdout: '', stderr: '' }); // a shell with no input
});

test('several nodes are up at once; down ends the named one, down --all and clean --kept end the rest', async () => {
  await Promise.all([up('test-one'), up('test-two'), up('test-three')]);
  expect(
    (await printed('ps')).stdout
      .replaceAll(/up \d+ min/g, 'up')
      .split('\n')
      .sort(),
  ).toEqual([
    '',
    'test-one    bare       kept    up',
    'test-three  bare       kept    up',
    'test-two    bare       kept    up',
  ]);
  expect(await printed('enter', 'test-two', '--', 'hostname')).toMatchObject({ stdout: 'test-two\n' });
  expect(await printed('down', 'test-two')).toMatchObject({ exitCode: 0, stdout: 'test-two is down\n' });
  expect(await printed('clean')).toEqual({ exitCode: 0, stdout: '', stderr: NOTHING_LEFT });
  expect((await printed('clean', '--kept')).stdout.split('\n').sort()).toEqual([
    '',
    'test-one is down',
    'test-three is down',
  ]);
  await up('test-one');
  expect(await printed('down', '--all')).toMatchObject({ exitCode: 0, stdout: 'test-one is down\n' });
  expect(await settled(before, [output])).toEqual(before);
});

test('the cache is not removed while a node uses it', async () => {
  await up('test-cache');
  expect(await printed('clean', '--cache')).toEqual({
    exitCode: 69,
    stdout: '',
    stderr: `${NOTHING_LEFT}the cache stays: its files are in use on test-cache\n`,
  });
});

test('each impossible request is one line of error', async () => {
  await up('test-name');
  expect(await printed('up', '--name', 'test-name')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'cnilab: a node named test-name is up already; `cnilab down test-name` ends it\n',
  });
  expect(await printed('up', '--name', '../x')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: `cnilab: a node's name is its host name: small letters, digits and dashes; got "../x"\n`,
  });
  expect(await printed('down')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'cnilab: name a node, or say --all; there is test-name\n',
  });
  expect(await printed('down', 'test-name', 'nope')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'cnilab: no node nope was left up; there is test-name\n',
  });
  expect(await printed('enter', 'nope')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'cnilab: no node nope is up; there is test-name\n',
  });
  expect(await printed('up', '--containerd', '1.6.3,1.6.4')).toMatchObject({
    exitCode: 2,
    stderr: 'cnilab: one node has one runtime; name a single version of containerd or of CRI-O\n',
  });
});
