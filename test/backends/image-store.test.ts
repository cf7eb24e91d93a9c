import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { JournalEntry } from '../../lab/observe/observation.ts';
import { parseJournal } from '../../lab/observe/journal.ts';
import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const output = scratchFolder();
const cacheHostPath = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cnilab');

async function journalOf(...scenario: readonly string[]): Promise<readonly JournalEntry[]> {
  const { stdout, exitCode } = await cnilab(['run', ...scenario, '--backend', 'bare', '--output', output]);
  expect(stdout).toContain('1 passed');
  expect(exitCode).toBe(0);
  const session = join(output, 'latest');
  const [slug = ''] = readdirSync(session);
  const journal = parseJournal(readFileSync(join(session, slug, 'journal.jsonl'), 'utf8'));
  if (!journal.ok) throw new Error(journal.error);
  return journal.value;
}

const stores = (journal: readonly JournalEntry[]) =>
  journal.filter((entry) => entry.kind === 'artifact' && entry.name === 'image-store');

/** The messages that containerd logs when an image is imported. */
const imports = (journal: readonly JournalEntry[]) =>
  journal.filter((entry) => entry.kind === 'runtime-log' && entry.text.includes('ImageCreate event'));

/** Removes the index entries of the cache that lead to a store of this version. */
function forgetStores(): void {
  const index = join(cacheHostPath, 'index');
  for (const name of readdirSync(index)) {
    const hostPath = join(index, name);
    if (readFileSync(hostPath, 'utf8').includes('\\"own\\":\\"image-store\\"')) rmSync(hostPath);
  }
}

test('images are imported once per containerd, and later runs have them without an import', async () => {
  forgetStores();
  const first = await journalOf('incompatible-version', '--containerd', '1.6.3');
  expect(stores(first)).toEqual([]);
  expect(imports(first)).not.toEqual([]);

  const second = await journalOf('incompatible-version', '--containerd', '1.6.3');
  expect(stores(second)).toEqual([
    expect.objectContaining({ version: '1.6.3', madeBy: 'an import by containerd 1.6.3' }),
  ]);
  expect(imports(second)).toEqual([]);
});

test('a containerd with a configuration from the scenario imports its images itself', async () => {
  await journalOf('incompatible-version', '--containerd', '1.6.3'); // so that a store exists
  const scenario = join(output, 'configured.yaml');
  writeFileSync(
    scenario,
    `name: configured
summary: images below another folder
node: { containerd: 1.6.3, runtime-config: { root: /run/elsewhere } }
steps:
  - exec: [ls, /run/elsewhere/io.containerd.snapshotter.v1.overlayfs/snapshots]
    expect: { output: '1' }
`,
  );
  const journal = await journalOf(scenario);
  expect(stores(journal)).toEqual([]);
  expect(imports(journal)).not.toEqual([]);
});

/** As `docker save` writes it: an image with one file. */
function savedImage(tag: string): string {
  const folder = join(output, 'saved');
  mkdirSync(join(folder, 'one'), { recursive: true });
  writeFileSync(join(folder, 'hello'), 'hello\n');
  const tar = (archive: string, ...files: readonly string[]) =>
    execFileSync('tar', ['--create', '--file', archive, '--directory', folder, ...files]);
  const layer = join(folder, 'one/layer.tar');
  tar(layer, 'hello');
  const digest = createHash('sha256').update(readFileSync(layer)).digest('hex');
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const config = {
    ...{ architecture: arch, os: 'linux', config: {} },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [tag], Layers: ['one/layer.tar'] }];
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(output, 'saved.tar');
  tar(archive, 'manifest.json', 'config.json', 'one/layer.tar');
  return archive;
}

test('an image of the user is on nodes with containerd and with CRI-O, by its short name too', async () => {
  const scenario = join(output, 'own-image.yaml');
  writeFileSync(
    scenario,
    `name: own-image
summary: an image of the user
matrix: { containerd: [1.6.4, 2.4.2], crio: [1.24.0, 1.34.0] }
node: { containerd: '\${matrix.containerd}', crio: '\${matrix.crio}', images: ['${savedImage('my-app:1')}'] }
steps:
  - exec: [crictl, inspecti, --output, go-template, --template, '{{.status.repoTags}}', 'my-app:1']
    expect: { output: '[docker.io/library/my-app:1]' }
`,
  );
  const { stdout, exitCode } = await cnilab(['run', scenario, '--backend', 'bare', '--output', output]);
  expect(exitCode, stdout).toBe(0);
});
