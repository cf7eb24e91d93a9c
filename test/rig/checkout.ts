import { execFileSync } from 'node:child_process';

import { ROOT } from './cnilab.ts';

/** Copies this checkout to another folder: the files that git tracks or would add. No build output and no packages. */
export function copyCheckout(folder: string): void {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z'],
    { cwd: ROOT },
  );
  const archive = execFileSync(
    'tar',
    ['--create', '--null', '--files-from=-', '--ignore-failed-read', '--warning=no-failed-read'],
    { cwd: ROOT, input: listed, maxBuffer: 1 << 28 },
  );
  execFileSync('tar', ['--extract'], { cwd: folder, input: archive });
}
