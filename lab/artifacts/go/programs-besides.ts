import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { err, ok, type Result } from '../../core/lab-error.ts';
import type { Exec } from '../../core/ports.ts';
import type { GomodPins } from '../../plan/pins.ts';
import type { Apt } from '../apt/apt.ts';
import type { Job, Refusal } from '../artifact.ts';
import type { BesidesPlaces } from './build.ts';

export interface Besides {
  readonly facts: GomodPins;
  /** the C compiler, as a program in the PATH */
  readonly compiler: string;
  readonly exec: Exec;
  readonly apt: Pick<Apt, 'hostRelease' | 'versionsIn' | 'unpack'>;
}

/**
 * Builds or unpacks the programs of a component that are not written in Go: C programs in its module, and programs of
 * Debian packages.
 */
export async function programsBesides(
  { facts, compiler, exec, apt }: Besides,
  { sourceHostPath, binHostPath, job }: BesidesPlaces,
): Promise<Result<readonly string[], Refusal>> {
  const from: string[] = [];
  for (const [program, folder] of Object.entries(facts.c ?? {})) {
    const source = join(sourceHostPath, folder);
    const files = (await readdir(source)).filter((name) => name.endsWith('.c')).sort();
    const argv = [compiler, '-std=c99', '-O2', '-static', '-s', '-o', join(binHostPath, program), ...files];
    job.progress(`compiling ${program}`);
    const { exitCode, stderr } = await exec(argv, { cwd: source, signal: job.signal });
    if (exitCode !== 0)
      return err({ source: 'gomod', reason: 'broken', why: `${compiler} of ${program}: ${stderr.trim()}` });
    from.push(`${program} by ${compiler}`);
  }
  for (const [program, path] of Object.entries(facts.debian ?? {})) {
    const got = await debianProgram(apt, { program, path, binHostPath, job });
    if (!got.ok) return got;
    from.push(got.value);
  }
  return ok(from);
}

async function debianProgram(
  apt: Besides['apt'],
  { program, path, binHostPath, job }: { program: string; path: string; binHostPath: string; job: Job },
): Promise<Result<string, Refusal>> {
  const { signal, scratchHostPath, progress } = job;
  const refused = (refusal: Refusal) =>
    err({ ...refusal, source: 'gomod' as const, why: `${program} of Debian: ${refusal.why}` });
  const { codename } = await apt.hostRelease();
  const listed = await apt.versionsIn(codename, program, signal);
  if (!listed.ok) return refused(listed.error);
  const [newest] = listed.value;
  if (newest === undefined)
    return refused({ source: 'gomod', reason: 'not-here', why: `${codename} has no such package` });
  progress(`downloading ${program} ${newest.version}`);
  const scratch = join(scratchHostPath, `of-${program}`);
  const treeHostPath = join(scratch, 'tree');
  await mkdir(treeHostPath, { recursive: true });
  const unpacked = await apt.unpack([newest], { treeHostPath, scratchHostPath: scratch, signal });
  if (!unpacked.ok) return refused(unpacked.error);
  await copyFile(join(treeHostPath, path), join(binHostPath, program));
  return ok(`${program} ${newest.version} (${codename})`);
}
