import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { parseJournal } from '../../lab/observe/journal.ts';
import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
const build = join(folder, 'build/bin');

const artifactsOf = (runHostPath: string) => {
  const journal = parseJournal(readFileSync(join(runHostPath, 'journal.jsonl'), 'utf8'));
  if (!journal.ok) throw new Error(journal.error);
  return journal.value.flatMap((entry) => (entry.kind === 'artifact' ? [entry] : []));
};

/** The user's own build: the lab's build of 1.6.4 in another place. */
beforeAll(async () => {
  const run = await cnilab([
    'run',
    'incompatible-version',
    '--containerd',
    '1.6.4',
    '--output',
    join(folder, 'first'),
  ]);
  expect(run.exitCode).toBe(0);
  const [containerd] = artifactsOf(join(folder, 'first/latest/incompatible-version.containerd-1.6.4'));
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'cnilab');
  cpSync(join(cache, 'artifacts', containerd?.key ?? '', 'bin'), build, { recursive: true });
});

test('--containerd local:FOLDER runs the build in that folder, and reports it', async () => {
  const output = join(folder, 'flag');
  const { exitCode, stdout } = await cnilab(
    [
      'run',
      'incompatible-version',
      '--containerd',
      'local:build/bin',
      '--output',
      output,
      '--reporter',
      'json',
    ],
    { cwd: folder },
  );
  expect(exitCode).toBe(0);
  const { runs } = JSON.parse(stdout) as { runs: { outputHostPath: string }[] };
  const [containerd] = artifactsOf(runs[0]?.outputHostPath ?? '');
  expect(containerd).toMatchObject({ name: 'containerd', version: '1.6.4', source: 'local' });
});

test('a path in a scenario file is relative to that file', async () => {
  mkdirSync(join(folder, 'scenarios/deep'), { recursive: true });
  const file = join(folder, 'scenarios/deep/mine.yaml');
  writeFileSync(
    file,
    `name: mine
summary: a build of my own
node: { containerd: 'local:../../build/bin', cni-plugins: 1.1.1 }
steps:
  - exec: [containerd, --version]
    expect: { ok: true }
`,
  );
  const { exitCode, stdout } = await cnilab([
    'run',
    file,
    '--output',
    join(folder, 'file'),
    '--reporter',
    'json',
  ]);
  expect(exitCode).toBe(0);
  const { runs } = JSON.parse(stdout) as { runs: { outputHostPath: string }[] };
  expect(artifactsOf(runs[0]?.outputHostPath ?? '')[0]).toMatchObject({ version: '1.6.4', source: 'local' });
});

/**
 * Runs one step on the user's build, with this text as its containerd. The real one is in the folder under another
 * name.
 */
async function runWith({ name, containerd, node = '' }: { name: string; containerd: string; node?: string }) {
  const bin = join(folder, name);
  cpSync(build, bin, { recursive: true });
  renameSync(join(bin, 'containerd'), join(bin, 'containerd-shim-runc-v1'));
  writeFileSync(join(bin, 'containerd'), containerd, { mode: 0o755 });
  const file = join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `name: ${name}
summary: a build that does not start
node:
  containerd: 'local:${bin}'
  cni-plugins: none
${node}steps:
  - exec: ['true']
`,
  );
  return cnilab(['run', file, '--output', join(folder, `${name}-runs`)]);
}

/** The real containerd, with a state folder that cannot be created. */
const refusesToStart = `#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/containerd-shim-runc-v1" --root /proc/none "$@"
`;
const REASON = /containerd: .*mkdir \/proc\/none: no such file or directory/;

test('a build that exits at its first start is a failure, with the log line that explains it', async () => {
  const { exitCode, stdout } = await runWith({ name: 'gives-up', containerd: refusesToStart });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 1,
    stdout: expect.stringContaining(
      'start: containerd ended by itself (exit 1), expected running\n',
    ) as string,
  });
  expect(stdout).toMatch(REASON);
});

test('a file can expect a build to exit, by its log line', async () => {
  const message = "{ contains: 'mkdir /proc/none: no such file or directory', why: 'any way to say it' }";
  const node = `  expect: { runtime: ended, log: { message: ${message} } }\n`;
  const { exitCode, stdout } = await runWith({ name: 'expected', containerd: refusesToStart, node });
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
});

test('a build that the node cannot execute makes the run inconclusive', async () => {
  const shell = join(folder, 'shell-of-this-host');
  copyFileSync('/bin/sh', shell);
  chmodSync(shell, 0o755);
  const containerd = refusesToStart.replace('/bin/sh', shell);
  const { exitCode, stdout } = await runWith({ name: 'not-executed', containerd });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 69,
    stdout: expect.stringContaining('the run did not come to its end: during starting node') as string,
  });
  expect(stdout).toContain('no such file or directory');
});

test('a build that exits without a reason makes the run inconclusive', async () => {
  const silent = refusesToStart.replace('exec ', '[ "$1" = --version ] || exit 3\nexec ');
  const { exitCode, stdout } = await runWith({ name: 'silent', containerd: silent });
  expect({ exitCode, stdout }).toEqual({
    exitCode: 69,
    stdout: expect.stringContaining(
      'containerd ended by itself (exit 3), expected running; its log does not say why, and the file does not configure it\n',
    ) as string,
  });
});
