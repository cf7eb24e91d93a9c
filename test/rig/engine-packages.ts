import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, existsSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { createApt, type Apt } from '../../lab/artifacts/apt/apt.ts';
import { systemClock } from '../../lab/host/machine.ts';
import { createLeashedExec } from '../../lab/host/exec.ts';
import { lazyHttp } from '../../lab/host/lazy-http.ts';
import { realPins } from '../sources/rig.ts';

/** The packages from which an engine is unpacked, by suite. Nothing is installed. */
export type Packages = Readonly<Record<string, readonly string[]>>;

/** A tree of these packages in the lab's cache, made once with this machine's apt. */
export const unpackedTree = (name: string, packages: Packages): Promise<string> =>
  treeOf(`${name}-${hashOf(packages)}`, async (apt, signal) => {
    const newest = async (suite: string, packageName: string) => {
      const versions = await apt.versionsIn(suite, packageName, signal);
      if (!versions.ok) throw new Error(versions.error.why);
      const [first] = versions.value;
      if (first === undefined) throw new Error(`${suite} has no ${packageName}`);
      return first;
    };
    const groups: DebianPackages[] = [];
    for (const [suite, names] of Object.entries(packages)) {
      const wanted = [];
      for (const packageName of names) wanted.push(await newest(suite, packageName));
      groups.push(wanted);
    }
    return groups;
  });

const hashOf = (packages: Packages): string =>
  createHash('sha256').update(JSON.stringify(packages)).digest('hex').slice(0, 8);

/** A tree of a package of the host's own release, with all its dependencies that the host does not have. */
export const treeWithMissing = (name: string): Promise<string> =>
  treeOf(name, async (apt, signal) => {
    const missing = await apt.missingFor(name, (await apt.hostRelease()).codename, signal);
    if (!missing.ok) throw new Error(missing.error.why);
    return [missing.value];
  });

type DebianPackages = Parameters<Apt['unpack']>[0];

async function treeOf(
  name: string,
  /** groups of one suite each, unpacked one after the other */
  choose: (apt: Apt, signal: AbortSignal) => Promise<readonly DebianPackages[]>,
): Promise<string> {
  const cacheHostPath = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'cnilab');
  const engines = join(cacheHostPath, 'test-engines');
  const tree = join(engines, name);
  if (existsSync(tree)) return tree;
  mkdirSync(engines, { recursive: true });
  const scratch = mkdtempSync(join(engines, 'new-'));
  const { signal } = new AbortController();
  const pins = realPins();
  const apt = createApt({
    exec: createLeashedExec({ env: process.env }),
    env: process.env,
    cacheHostPath,
    http: lazyHttp({ env: process.env, connectTimeoutMs: 3000, stallTimeoutMs: 20_000 }),
    clock: systemClock,
    offline: false,
    arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
    debianSuites: pins.debianSuites,
    securitySuites: pins.debianSecuritySuites,
  });
  for (const [index, wanted] of (await choose(apt, signal)).entries()) {
    const scratchHostPath = join(scratch, `packages-${index}`);
    mkdirSync(scratchHostPath);
    const into = { treeHostPath: join(scratch, 'tree'), scratchHostPath, signal };
    const unpacked = await apt.unpack(wanted, into);
    if (!unpacked.ok) throw new Error(unpacked.error.why);
  }
  mkdirSync(join(scratch, 'tree/etc'), { recursive: true });
  if (!existsSync(tree)) renameSync(join(scratch, 'tree'), tree);
  rmSync(scratch, { recursive: true, force: true });
  return tree;
}
