import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { copyCheckout } from './checkout.ts';
import { ROOT } from './cnilab.ts';

export interface PackedPackage {
  readonly tarballHostPath: string;
  /** paths of the files in the package, sorted */
  readonly files: readonly string[];
}

/** The folder of the package, for all files of a test run. */
const PLACE = 'CNILAB_TEST_PACKAGE';

/** Runs once, around all files. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'cnilab-packed-'));
  process.env[PLACE] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

/**
 * What `npm pack` makes of this checkout, packed by the first file that needs it. It works on a copy, so that labs
 * running in the checkout keep their bundle and no file of the package is left there.
 */
export function packPackage(): PackedPackage {
  const folder = process.env[PLACE] ?? '';
  const packed = () => readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (packed() === undefined) {
    const copy = mkdtempSync(join(folder, 'checkout-'));
    copyCheckout(copy);
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    npm(['pack', '--silent', '--pack-destination', folder], { cwd: copy });
  }
  const name = packed();
  if (name === undefined) throw new Error('npm pack made nothing');
  const tarballHostPath = join(folder, name);
  const inside = execFileSync('tar', ['--list', '--file', tarballHostPath], { encoding: 'utf8' });
  return {
    tarballHostPath,
    files: inside
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''))
      .sort(),
  };
}

/**
 * Installs the package in a folder of its own, with this machine's npm settings. Returns the folder of the installed
 * package.
 */
export function installPackage(folder: string, { tarballHostPath }: PackedPackage): string {
  const cwd = join(folder, 'installed');
  mkdirSync(cwd);
  npm(['install', '--silent', '--prefer-offline', '--prefix', cwd, tarballHostPath], { cwd });
  return join(cwd, 'node_modules/cnilab');
}

function npm(args: readonly string[], { cwd }: { cwd: string }): void {
  const env = { ...process.env, npm_config_logs_max: '0' };
  execFileSync('npm', args, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
}
