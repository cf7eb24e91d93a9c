import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { BadInput, messageOf, err, ok, type Result } from '../../core/lab-error.ts';
import type { Exec } from '../../core/ports.ts';
import { isFolder } from '../../host/machine.ts';
import type { ComponentName, ComponentRef } from '../../core/components.ts';
import { unpackPrograms } from '../cache/archive.ts';
import {
  ARCHIVE_FOLDERS,
  COMPONENT_PROGRAMS,
  NEEDED_PROGRAMS,
  versionFromOutput,
  versionQuestion,
} from './programs.ts';
import { stampOf } from '../cache/fingerprint.ts';
import { RELEASE_CAPS } from './release.ts';
import type { Source } from '../artifact.ts';

/**
 * Builds of the user that are under test: a directory, one program, or a .tar.gz. They are copied, so that the files of
 * a run do not change.
 */
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
        // Without the content, because containerd of a user is 50 MB. A rebuilt file has another time or inode.
        request: JSON.stringify({ source: 'local', component, version, hostPath, stamps }),
        async make(treeHostPath, { scratchHostPath }) {
          const unpackedHostPath = join(scratchHostPath, 'unpacked');
          const found = await findPrograms({ component, hostPath, unpackedHostPath });
          if (!found.ok)
            return err({ source: 'local', reason: 'broken', why: `${hostPath}: ${found.error}` });
          const bin = join(treeHostPath, 'bin');
          await mkdir(bin);
          for (const { name, from } of found.value) {
            await copyFile(from, join(bin, name));
            await chmod(join(bin, name), 0o755);
          }
          return ok({ madeBy: hostPath });
        },
      });
    },
    check: async () => undefined,
    versions: async () => ok([]),
  };
}

export interface LocalOptions {
  readonly component: ComponentName;
  /** absolute */
  readonly hostPath: string;
  readonly exec: Exec;
  /** an existing, empty directory for temporary files */
  readonly scratchHostPath: string;
  readonly signal: AbortSignal;
}

/**
 * The version of a build that does not report one: a plain `go build` of runc or of a plugin reports "unknown", and a
 * build for another architecture cannot be run.
 */
const UNKNOWN_VERSION = '0.0.0-local';

/**
 * A reference to a build of the user, with the version that it reports itself. Throws BadInput if it is not the given
 * component.
 */
export async function describeLocal(options: LocalOptions): Promise<ComponentRef> {
  const { component, hostPath, exec, scratchHostPath, signal } = options;
  const refuse = (why: string) => new BadInput(`local:${hostPath} is no ${component}: ${why}`);
  const found = await findPrograms({
    component,
    hostPath,
    unpackedHostPath: join(scratchHostPath, 'unpacked'),
  });
  if (!found.ok) throw refuse(found.error);
  const { program, argv, env } = versionQuestion(
    component,
    found.value.map(({ name }) => name),
  );
  const from = found.value.find(({ name }) => name === program)?.from ?? '';
  const unknown: ComponentRef = { component, source: 'local', hostPath, version: UNKNOWN_VERSION };
  // nothing depends on the version of a plugin, and nodes may have another architecture than this host
  const mayBeForeign = component === 'cni-plugins' && (await isElf(from));
  const asked = await exec([from, ...argv], { env, signal, timeoutMs: 10_000 }).catch((thrown: unknown) => {
    if (mayBeForeign) return undefined;
    throw refuse(`${program} does not start on this host: ${messageOf(thrown)}`);
  });
  if (asked === undefined || (mayBeForeign && NOT_STARTED.includes(asked.exitCode))) return unknown;
  const version = versionFromOutput(`${asked.stdout}\n${asked.stderr}`);
  // A plugin that is called without a command may end with an error.
  const runs = asked.exitCode === 0 || (component === 'cni-plugins' && asked.exitCode === 1);
  if (version === undefined && !runs) {
    const output = JSON.stringify((asked.stdout + asked.stderr).trim().slice(0, 200));
    throw refuse(`${[program, ...argv].join(' ')} exited with ${asked.exitCode} and printed ${output}`);
  }
  return { ...unknown, version: version ?? UNKNOWN_VERSION };
}

/** Exit codes of a shell. A file that the kernel does not accept as a program is run by one. */
const NOT_STARTED: readonly (number | null)[] = [126, 127];

interface Program {
  readonly name: string;
  readonly from: string;
}

interface Place {
  readonly component: ComponentName;
  readonly hostPath: string;
  /** the directory into which an archive is unpacked */
  readonly unpackedHostPath: string;
}

/** The programs of the component, wherever they are, or the names of missing ones. */
async function findPrograms({
  component,
  hostPath,
  unpackedHostPath,
}: Place): Promise<Result<readonly Program[], string>> {
  const programs = COMPONENT_PROGRAMS[component];
  if (statSync(hostPath, { throwIfNoEntry: false }) === undefined) return err('it does not exist');
  if (await isGzip(hostPath)) {
    const options = {
      archiveHostPath: hostPath,
      binHostPath: unpackedHostPath,
      programs,
      folder: ARCHIVE_FOLDERS[component],
      ...RELEASE_CAPS,
    };
    const unpacked = await unpackPrograms(options);
    if (!unpacked.ok) return unpacked;
  }
  const found = programFiles(component, existsSync(unpackedHostPath) ? unpackedHostPath : hostPath);
  if (found.length === 0) return err(`it has none of ${programs.join(', ')}`);
  // Users test one of their plugins as often as a complete set.
  const needed = component === 'cni-plugins' ? [] : NEEDED_PROGRAMS[component];
  const missing = needed.filter((program) => !found.some(({ name }) => name === program));
  return missing.length > 0 ? err(`it has no ${missing.join(', no ')}`) : ok(found);
}

/** Plugins can have any name. The programs of other components have fixed names. */
function programFiles(component: ComponentName, hostPath: string): readonly Program[] {
  const wanted = (name: string) =>
    component === 'cni-plugins' || COMPONENT_PROGRAMS[component].includes(name);
  if (statSync(hostPath).isFile()) {
    const name = hostPath.split('/').at(-1) ?? '';
    const single = COMPONENT_PROGRAMS[component].length === 1 ? COMPONENT_PROGRAMS[component][0] : undefined;
    return [{ name: single ?? name, from: hostPath }];
  }
  const folder = isFolder(join(hostPath, 'bin')) ? join(hostPath, 'bin') : hostPath;
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

const isGzip = (hostPath: string): Promise<boolean> => beginsWith(hostPath, [0x1f, 0x8b]);
/** Whether it is a program for Linux, for any processor. */
const isElf = (hostPath: string): Promise<boolean> => beginsWith(hostPath, [0x7f, 0x45, 0x4c, 0x46]);

async function beginsWith(hostPath: string, bytes: readonly number[]): Promise<boolean> {
  if (!statSync(hostPath).isFile()) return false;
  const handle = await open(hostPath);
  try {
    const { buffer } = await handle.read(Buffer.alloc(bytes.length), 0, bytes.length, 0);
    return buffer.equals(Buffer.from(bytes));
  } finally {
    await handle.close();
  }
}
