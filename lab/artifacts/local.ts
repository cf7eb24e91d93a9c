import { readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BadInput } from '../core/lab-error.ts';
import type { Exec } from '../core/ports.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { ComponentName, ComponentRef } from '../plan/components.ts';
import { unpackPrograms } from './archive.ts';
import { COMPONENT_PROGRAMS, NEEDED_PROGRAMS } from './component-files.ts';
import { stampOf } from './fingerprint.ts';
import { RELEASE_CAPS } from './release.ts';
import { versionFromOutput, versionQuestion } from './version-words.ts';
import type { Source } from './source.ts';

/** What users bring themselves: a folder, one program, or a .tar.gz, under test. Copied, so that a run's files stay. */
export function createLocal(): Source {
  return {
    name: 'local',
    recipe(ref) {
      if (ref.source !== 'local')
        return err({ source: 'local', reason: 'not-there', why: 'no local path is given' });
      const { component, version, hostPath } = ref;
      const stamps = stampsOf(component, hostPath);
      if (stamps === undefined)
        return err({ source: 'local', reason: 'not-there', why: `${hostPath} does not exist` });
      return ok({
        source: 'local',
        name: component,
        version,
        // Not the content: a user's containerd is 50 MB. A rebuilt file has another time or inode.
        request: JSON.stringify({ source: 'local', component, version, hostPath, stamps }),
        async make(treeHostPath) {
          const taken = await takePrograms(component, hostPath, join(treeHostPath, 'bin'));
          return taken.ok
            ? ok({ madeBy: hostPath })
            : err({ source: 'local', reason: 'broken', why: taken.error });
        },
      });
    },
    versions: async () => ok([]),
  };
}

export interface LocalOptions {
  readonly component: ComponentName;
  /** absolute */
  readonly hostPath: string;
  readonly exec: Exec;
  /** an existing folder for temporary files */
  readonly scratchHostPath: string;
  readonly signal: AbortSignal;
}

/** A reference to a user's own build, with the version that it says itself. BadInput when it is not what was said. */
export async function describeLocal(options: LocalOptions): Promise<ComponentRef> {
  const { component, hostPath, exec, scratchHostPath, signal } = options;
  const folder = await mkdtemp(join(scratchHostPath, 'local-'));
  try {
    const taken = await takePrograms(component, hostPath, folder);
    if (!taken.ok) throw new BadInput(`local:${hostPath} is no ${component}: ${taken.error}`);
    const { program, argv, env } = versionQuestion(component, taken.value);
    const asked = await exec([join(folder, program), ...argv], { env, signal, timeoutMs: 10_000 });
    const version = versionFromOutput(`${asked.stdout}\n${asked.stderr}`);
    if (version === undefined) {
      throw new BadInput(
        `local:${hostPath} is no ${component}: ${[program, ...argv].join(' ')} names no version; it exited with ${asked.exitCode} and said ${JSON.stringify((asked.stdout + asked.stderr).trim().slice(0, 200))}`,
      );
    }
    return { component, source: 'local', hostPath, version };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takePrograms(
  component: ComponentName,
  hostPath: string,
  binHostPath: string,
): Promise<Result<readonly string[], string>> {
  const programs = COMPONENT_PROGRAMS[component];
  const stat = statSync(hostPath, { throwIfNoEntry: false });
  if (stat === undefined) return err('it does not exist');
  let taken: readonly string[];
  if (stat.isFile() && isGzip(hostPath)) {
    const unpacked = await unpackPrograms({
      archiveHostPath: hostPath,
      binHostPath,
      programs,
      ...RELEASE_CAPS,
    });
    if (!unpacked.ok) return unpacked;
    taken = unpacked.value;
  } else {
    await mkdir(binHostPath, { recursive: true });
    const files = programFiles(component, hostPath);
    for (const { name, from } of files) {
      await copyFile(from, join(binHostPath, name));
      await chmod(join(binHostPath, name), 0o755);
    }
    taken = files.map(({ name }) => name);
  }
  // A user tests one plugin of their own as often as a whole set.
  const needed = component === 'cni-plugins' ? [] : NEEDED_PROGRAMS[component];
  const missing = needed.filter((program) => !taken.includes(program));
  if (taken.length === 0) return err(`it has none of ${programs.join(', ')}`);
  return missing.length > 0 ? err(`it has no ${missing.join(', no ')}`) : ok(taken);
}

/** Plugins may have any name; the other components have the names that are run. */
function programFiles(
  component: ComponentName,
  hostPath: string,
): readonly { readonly name: string; readonly from: string }[] {
  const wanted = (name: string) =>
    component === 'cni-plugins' || COMPONENT_PROGRAMS[component].includes(name);
  if (statSync(hostPath).isFile()) {
    const name = hostPath.split('/').at(-1) ?? '';
    const single = COMPONENT_PROGRAMS[component].length === 1 ? COMPONENT_PROGRAMS[component][0] : undefined;
    return [{ name: single ?? name, from: hostPath }];
  }
  const folder =
    statSync(join(hostPath, 'bin'), { throwIfNoEntry: false })?.isDirectory() === true
      ? join(hostPath, 'bin')
      : hostPath;
  return readdirSync(folder)
    .sort()
    .filter(wanted)
    .map((name) => ({ name, from: join(folder, name) }))
    .filter(({ from }) => {
      const stat = statSync(from, { throwIfNoEntry: false });
      return stat?.isFile() === true && (stat.mode & 0o111) !== 0;
    });
}

function stampsOf(component: ComponentName, hostPath: string): readonly string[] | undefined {
  if (statSync(hostPath, { throwIfNoEntry: false }) === undefined) return undefined;
  return programFiles(component, hostPath).map(({ name, from }) => `${name} ${stampOf(from) ?? ''}`);
}

const isGzip = (hostPath: string): boolean => {
  const start = readFileSync(hostPath).subarray(0, 2);
  return start[0] === 0x1f && start[1] === 0x8b;
};
