import { spawnSync } from 'node:child_process';

import { ROOT } from './cnilab.ts';
import { RELEASE_FLAGS } from './rare-releases.ts';

/** Puts what the scenarios need into the cache, with visible progress: from an empty cache this takes some minutes. */
export default function fillCache(): void {
  const argv = ['bin/cnilab.cjs', 'fetch', '--backend', 'bare', ...RELEASE_FLAGS];
  const { status } = spawnSync(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0)
    process.stderr.write('the cache could not be filled; tests that need what is missing say so\n');
}
