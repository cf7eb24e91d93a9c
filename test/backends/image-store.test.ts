import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
