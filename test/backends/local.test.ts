import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** The user's own build, which is the lab's of 1.6.4 in another place. */
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

test('--containerd local:FOLDER runs the build that lies there, and says so', async () => {
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
