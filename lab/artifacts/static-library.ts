import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../core/result.ts';
import type { Apt } from './apt.ts';
import type { Job, Refusal } from './recipe.ts';

/** A library of C that a program is linked with statically, so that it runs on any node. */
export interface StaticLibrary {
  /** stands in for pkg-config, and knows this library alone */
  readonly pkgConfigHostPath: string;
  /** the packages, for the journal */
  readonly madeFrom: string;
}

/** Unpacks a library's package of this host's release, nothing of it is installed; one that is installed is taken as it is. */
export async function unpackLibrary(
  apt: Pick<Apt, 'hostRelease' | 'missingFor' | 'unpack'>,
  { package: packageName, name }: { readonly package: string; readonly name: string },
  { signal, scratchHostPath, progress }: Job,
): Promise<Result<StaticLibrary, Refusal>> {
  const refused = (refusal: Refusal) =>
    err({ ...refusal, source: 'gomod' as const, why: `${packageName}: ${refusal.why}` });
  const { codename } = await apt.hostRelease();
  const missing = await apt.missingFor(packageName, codename, signal);
  if (!missing.ok) return refused(missing.error);
  const treeHostPath = join(scratchHostPath, 'library');
  progress(`downloading ${packageName}`);
  const unpacked = await apt.unpack(missing.value, { treeHostPath, scratchHostPath, signal });
  if (!unpacked.ok) return refused(unpacked.error);

  const archive = `lib${name}.a`;
  const files = await readdir(treeHostPath, { recursive: true }).catch(() => []);
  const libraryPath = files.find((path) => path.endsWith(`/${archive}`));
  const libs = libraryPath === undefined ? '' : `-L${join(treeHostPath, libraryPath, '..')} `;
  const pkgConfigHostPath = join(scratchHostPath, 'pkg-config');
  const script = [
    '#!/bin/sh',
    `case "$1" in`,
    `  --cflags) echo '-I${join(treeHostPath, 'usr/include')}' ;;`,
    `  --libs) echo '${libs}-l${name}' ;;`,
    'esac',
    '',
  ];
  await writeFile(pkgConfigHostPath, script.join('\n'), { mode: 0o755 });
  const versions = missing.value.map((one) => `${one.name}=${one.version}`).join(' ');
  return ok({ pkgConfigHostPath, madeFrom: versions === '' ? `this host's ${packageName}` : versions });
}
