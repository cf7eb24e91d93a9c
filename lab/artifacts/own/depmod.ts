import { cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { findProgram } from '../../host/exec.ts';
import type { Apt } from '../apt/apt.ts';
import type { Job, Refusal } from '../recipe.ts';
import { SYSTEM_PATH } from './netfilter.ts';

export interface IndexModulesOptions {
  readonly apt: Pick<Apt, 'missingFor' | 'unpack' | 'hostRelease'>;
  readonly exec: Exec;
  readonly modulesHostPath: string;
  /** of the kernel: the name of the folder */
  readonly release: string;
  /** gets lib/modules/RELEASE */
  readonly baseHostPath: string;
  readonly job: Job;
}

/** Copies the modules, unpacks those that are packed, and makes the index that modprobe looks into. */
export async function indexModules(options: IndexModulesOptions): Promise<Result<undefined, Refusal>> {
  const { exec, modulesHostPath, release, baseHostPath, job } = options;
  const { signal } = job;
  const to = join(baseHostPath, 'lib/modules', release);
  await mkdir(to, { recursive: true });
  for (const name of await readdir(modulesHostPath)) {
    if (name === 'build' || name === 'source') continue; // links to headers
    await cp(join(modulesHostPath, name), join(to, name), { recursive: true, verbatimSymlinks: true });
  }
  const refuse = (why: string, wayOut?: string): Result<undefined, Refusal> =>
    err({ source: 'own', reason: 'not-here', why, ...(wayOut === undefined ? {} : { wayOut }) });

  for (const [suffix, tool] of [
    ['.ko.xz', 'xz'],
    ['.ko.zst', 'zstd'],
    ['.ko.gz', 'gzip'],
  ] as const) {
    const names = await readdir(to, { recursive: true });
    const packed = names.filter((name) => name.endsWith(suffix));
    if (packed.length === 0) continue;
    if (findProgram(tool, SYSTEM_PATH) === undefined)
      return refuse(
        `the modules of ${release} are packed with ${tool}, which this host does not have`,
        `install ${tool}`,
      );
    const rm = tool === 'zstd' ? ['--rm', '-q'] : [];
    const unpacked = await exec([tool, '-d', ...rm, ...packed], { cwd: to, signal });
    if (unpacked.exitCode !== 0) return refuse(`${tool} -d: ${unpacked.stderr.trim()}`);
  }

  const depmod = await findDepmod(options);
  if (!depmod.ok) return depmod;
  const indexed = await exec([depmod.value.program, '-b', baseHostPath, release], {
    signal,
    env: depmod.value.env,
  });
  return indexed.exitCode === 0 ? ok(undefined) : refuse(`depmod: ${indexed.stderr.trim()}`);
}

/** The host's own, or the one of its distribution's kmod, unpacked beside. */
async function findDepmod({
  apt,
  job,
}: IndexModulesOptions): Promise<Result<{ program: string; env: Record<string, string> }, Refusal>> {
  const there = findProgram('depmod', SYSTEM_PATH);
  if (there !== undefined) return ok({ program: there, env: {} });
  const { codename } = await apt.hostRelease();
  const missing = await apt.missingFor('kmod', codename, job.signal);
  if (!missing.ok) return err({ ...missing.error, source: 'own', wayOut: 'install kmod on this host' });
  const treeHostPath = join(job.scratchHostPath, 'kmod');
  const scratchHostPath = join(job.scratchHostPath, 'kmod-packages');
  const unpacked = await apt.unpack(missing.value, { ...job, treeHostPath, scratchHostPath });
  if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });
  const entries = await readdir(treeHostPath, { recursive: true, withFileTypes: true });
  const kmod = entries.find(
    (entry) => entry.name === 'kmod' && entry.isFile() && entry.parentPath.endsWith('/bin'),
  );
  const libraries = new Set(
    entries.filter(({ name }) => /\.so(\.|$)/.test(name)).map(({ parentPath }) => parentPath),
  );
  if (kmod === undefined)
    return err({ source: 'own', reason: 'broken', why: `kmod of ${codename} has no program kmod` });
  // one program for all, which goes by its own name; the package's link to it is absolute
  const program = join(job.scratchHostPath, 'depmod');
  await symlink(join(kmod.parentPath, kmod.name), program);
  return ok({
    program,
    env: { LD_LIBRARY_PATH: [...libraries].join(':') },
  });
}
