import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, ok, type Result } from '../../core/result.ts';
import type { Apt } from '../apt/apt.ts';
import type { Job, Refusal } from '../recipe.ts';

/** A library of C that a program is linked with statically, so that it runs on any node. */
export interface StaticLibrary {
  /**
   * Tells go, and gcc below it, where the library is. Not by flags: those of an earlier build, with the folder of then, come
   * back out of Go's build cache.
   */
  readonly environment: Readonly<Record<string, string>>;
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

  const files = await readdir(treeHostPath, { recursive: true }).catch(() => []);
  const archive = files.find((path) => path.endsWith(`/lib${name}.a`));
  const pkgConfigHostPath = join(scratchHostPath, 'pkg-config');
  const script = `#!/bin/sh\ncase "$1" in --libs) echo '-l${name}' ;; esac\n`;
  await writeFile(pkgConfigHostPath, script, { mode: 0o755 });
  const environment = {
    PKG_CONFIG: pkgConfigHostPath,
    ...(archive === undefined
      ? {}
      : {
          LIBRARY_PATH: dirname(join(treeHostPath, archive)),
          C_INCLUDE_PATH: join(treeHostPath, 'usr/include'),
        }),
  };
  const versions = missing.value.map((one) => `${one.name}=${one.version}`).join(' ');
  return ok({ environment, madeFrom: versions === '' ? `this host's ${packageName}` : versions });
}
