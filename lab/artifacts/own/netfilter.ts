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

/** Where a node looks for programs of the system. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What CNI plugins run, and the packages of Debian's that have it. */
const PROGRAMS = { iptables: ['iptables', 'ip6tables'], nftables: ['nft'] } as const;
export type NetfilterPackage = keyof typeof PROGRAMS;

/** The packages whose programs this host lacks. */
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
 * A package of the host's own release with the libraries that the host lacks, as a tree to be laid below /. Asked for again
 * when the kernel is another.
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
 * The plain names are what update-alternatives would have made: the nft flavour where the kernel can do what CNI's
 * masquerading asks of it, the legacy one elsewhere.
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

/** Whether this flavour takes the kind of rule that CNI plugins make, tried in a network namespace of its own. */
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
  // Without root nothing can be tried, and nothing can be run either: nft is what every distribution takes today.
  return tried === undefined || tried.exitCode === 0 || /Operation not permitted/.test(tried.stderr);
}
