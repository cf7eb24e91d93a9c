import { link, readdir, rm } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Exec } from '../../core/ports.ts';
import { err, ok } from '../../core/lab-error.ts';
import { findProgram } from '../../host/exec.ts';
import type { Arch } from '../../core/components.ts';
import type { Apt } from '../apt/apt.ts';
import { layPackagesOut } from '../apt/lay-out.ts';
import type { Recipe } from '../artifact.ts';

/** The PATH for system programs on a node. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The programs that CNI plugins run, and the Debian packages that contain them. */
const PROGRAMS = { iptables: ['iptables', 'ip6tables'], nftables: ['nft'] } as const;
export type NetfilterPackage = keyof typeof PROGRAMS;

/** The packages whose programs this host does not have. */
export const netfilterMissing = (): readonly NetfilterPackage[] =>
  (['iptables', 'nftables'] as const).filter(
    (name) => !PROGRAMS[name].every((program) => findProgram(program, SYSTEM_PATH)),
  );

export interface NetfilterOptions {
  readonly arch: Arch;
  readonly apt: Apt;
  readonly exec: Exec;
}

/**
 * A package of the release of this host, with the libraries that the host does not have, as a tree for the root of a
 * node. Made again if the kernel changes.
 */
export function netfilterRecipe(name: NetfilterPackage, { arch, apt, exec }: NetfilterOptions): Recipe {
  return {
    source: 'own',
    name,
    version: 'host',
    request: JSON.stringify({ own: name, arch, kernel: release(), revision: 2 }),
    async make(treeHostPath, job) {
      const host = await apt.hostRelease();
      job.progress('asking apt');
      const missing = await apt.missingFor(name, host.codename, job.signal);
      if (!missing.ok)
        return err({ ...missing.error, source: 'own', wayOut: `install ${name} on this host` });
      const made = await layPackagesOut(missing.value, { apt, treeHostPath, wanted: WANTED, job });
      if (!made.ok || name !== 'iptables') return made;
      const flavour = await nameTheFlavour({ treeHostPath, exec, signal: job.signal });
      return ok({ madeBy: `${made.value.madeBy}, ${flavour} flavour` });
    },
  };
}

const PLAIN_NAMES = [
  'iptables',
  'iptables-save',
  'iptables-restore',
  'ip6tables',
  'ip6tables-save',
  'ip6tables-restore',
];

/**
 * Creates the plain names, which update-alternatives would create: the nft flavour if the kernel supports what
 * masquerading of CNI needs, otherwise the legacy flavour.
 */
async function nameTheFlavour(trial: Trial): Promise<'nft' | 'legacy'> {
  const flavour = (await worksHere('nft', trial)) ? 'nft' : 'legacy';
  const sbin = join(trial.treeHostPath, 'usr/sbin');
  for (const name of PLAIN_NAMES) {
    await rm(join(sbin, name), { force: true });
    await link(join(sbin, `xtables-${flavour}-multi`), join(sbin, name));
  }
  return flavour;
}

/** Libraries, and the programs that CNI plugins run. */
const WANTED =
  /^usr\/(lib\w*\/.*|sbin\/(nft|ip6?tables(-nft|-legacy)?(-save|-restore)?|xtables-(nft|legacy)-multi))$/;

interface Trial {
  readonly treeHostPath: string;
  readonly exec: Exec;
  readonly signal: AbortSignal;
}

/** Whether this flavour accepts the kind of rule that CNI plugins create. Tried in a separate network namespace. */
async function worksHere(flavour: 'nft' | 'legacy', { treeHostPath, exec, signal }: Trial): Promise<boolean> {
  const libraries = (await readdir(join(treeHostPath, 'usr/lib'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.so(\.|$)/.test(entry.name))
    .map((entry) => entry.parentPath);
  const argv = [
    ...['unshare', '--net', '--', join(treeHostPath, `usr/sbin/xtables-${flavour}-multi`), 'iptables'],
    ...['-t', 'nat', '-A', 'POSTROUTING', '-m', 'comment', '--comment', 'cnilab', '-j', 'MASQUERADE'],
  ];
  const xtables = libraries.find((folder) => folder.endsWith('/xtables'));
  const env = {
    LD_LIBRARY_PATH: [...new Set(libraries)].join(':'),
    ...(xtables === undefined ? {} : { XTABLES_LIBDIR: xtables }),
  };
  const tried = await exec(argv, { env, signal, timeoutMs: 10_000 }).catch(() => undefined);
  // Without root nothing can be tried or run. nft is then used, because every current distribution uses it.
  return tried === undefined || tried.exitCode === 0 || /Operation not permitted/.test(tried.stderr);
}
