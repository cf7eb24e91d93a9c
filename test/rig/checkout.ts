import { execFileSync } from 'node:child_process';

import { ROOT } from './cnilab.ts';

/** This checkout as it stands, in another folder: the files that git knows or would add. Nothing built, and no packages. */
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
