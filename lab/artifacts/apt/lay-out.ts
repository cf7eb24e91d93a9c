import { link, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Job, Made, Refusal } from '../artifact.ts';
import type { Apt, DebianPackage } from './apt.ts';

export interface LayOutOptions {
  readonly apt: Pick<Apt, 'unpack'>;
  readonly treeHostPath: string;
  /** paths of files, relative to the root, after merged directories were moved below usr/ */
  readonly wanted: RegExp;
  readonly job: Job;
}

/**
 * Downloads packages of one suite and makes a tree of the wanted files, which is mounted over the root of a node.
 * Nothing in the packages is run or installed.
 */
export async function layPackagesOut(
  packages: readonly DebianPackage[],
  { apt, treeHostPath, wanted, job }: LayOutOptions,
): Promise<Result<Made, Refusal>> {
  const names = packages.map(({ name, version }) => `${name}=${version}`).join(' ');
  job.progress(`downloading ${names}`);
  const unpackedHostPath = join(job.scratchHostPath, 'unpacked');
  const unpacked = await apt.unpack(packages, { ...job, treeHostPath: unpackedHostPath });
  if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });
  await layOut(unpackedHostPath, { treeHostPath, wanted });
  return ok({ madeBy: `apt-get download ${names} (${packages[0]?.suite ?? 'nothing'})` });
}

/** Old top-level directories that are links into usr/ on all current systems. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/**
 * The wanted files of unpacked packages, with all programs and libraries below usr/. Links become hard links, so that a
 * tree only contains files.
 */
async function layOut(
  fromHostPath: string,
  { treeHostPath, wanted }: { readonly treeHostPath: string; readonly wanted: RegExp },
): Promise<void> {
  const root = await realpath(fromHostPath);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = relative(root, join(entry.parentPath, entry.name));
    const top = path.split('/')[0] ?? '';
    const place = MERGED.includes(top) ? `usr/${path}` : path;
    if (!wanted.test(place)) continue;
    const target = await realpath(join(root, path)).catch(() => undefined);
    if (target === undefined || !target.startsWith(`${root}/`) || !(await stat(target)).isFile()) continue;
    await mkdir(dirname(join(treeHostPath, place)), { recursive: true });
    await link(target, join(treeHostPath, place));
  }
}
