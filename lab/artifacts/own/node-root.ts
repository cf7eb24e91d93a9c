import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Exec } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Arch } from '../../core/components.ts';
import type { Apt, DebianPackage } from '../apt/apt.ts';
import type { Recipe, Refusal } from '../recipe.ts';
import { configureRoot } from './configure-root.ts';

export interface NodeRootOptions {
  readonly arch: Arch;
  readonly apt: Pick<Apt, 'allFor' | 'unpack'>;
  readonly exec: Exec;
}

/** One release on every host, so that nodes differ in nothing but what is under test. */
export const NODE_ROOT_SUITE = 'bookworm';

/** What the agent, the steps, runc and CNI plugins run on a node, and what someone who looks around there expects. */
const PACKAGES = [
  ...['base-files', 'base-passwd', 'netbase', 'libc-bin', 'usr-is-merged'],
  ...[
    'bash',
    'dash',
    'coreutils',
    'diffutils',
    'findutils',
    'grep',
    'gzip',
    'hostname',
    'mawk',
    'sed',
    'tar',
  ],
  ...['kmod', 'mount', 'procps', 'util-linux'],
  ...['iproute2', 'iptables', 'nftables', 'libseccomp2'],
];

/** What others depend on for the sake of their packages' scripts, which are not run. */
const FOR_SCRIPTS = ['debconf', 'dpkg', 'init-system-helpers', 'libdebconfclient0', 'perl-base'];

/** What other packages need and a node does not have. */
export async function packagesBeyondNodeRoot(
  names: readonly string[],
  { apt, signal }: { readonly apt: Pick<Apt, 'allFor'>; readonly signal: AbortSignal },
): Promise<Result<readonly DebianPackage[], Refusal>> {
  const ofRoot = await apt.allFor(PACKAGES, NODE_ROOT_SUITE, signal);
  if (!ofRoot.ok) return ofRoot;
  const needed = await apt.allFor([...PACKAGES, ...names], NODE_ROOT_SUITE, signal);
  if (!needed.ok) return needed;
  const there = new Set([...ofRoot.value.map(({ name }) => name), ...FOR_SCRIPTS]);
  return ok(needed.value.filter(({ name }) => !there.has(name)));
}

/**
 * The file system of a node that does not lie on its host's: root.tar, with links as links, all of it root's and without
 * times, so that the same packages make the same bytes. Of Debian's packages, unpacked and never installed.
 */
export function nodeRootRecipe({ arch, apt, exec }: NodeRootOptions): Recipe {
  return {
    source: 'own',
    name: 'node-root',
    version: NODE_ROOT_SUITE,
    request: JSON.stringify({
      own: 'node-root',
      arch,
      suite: NODE_ROOT_SUITE,
      packages: PACKAGES,
      revision: 1,
    }),
    async make(treeHostPath, { signal, scratchHostPath, progress }) {
      progress('asking apt');
      const needed = await apt.allFor(PACKAGES, NODE_ROOT_SUITE, signal);
      if (!needed.ok)
        return err({
          ...needed.error,
          source: 'own',
          wayOut: `run the lab on a Debian host, whose apt can have packages of ${NODE_ROOT_SUITE}`,
        });
      const packages = needed.value.filter(({ name }) => !FOR_SCRIPTS.includes(name));
      progress(`downloading ${packages.length} packages of ${NODE_ROOT_SUITE}`);
      const rootHostPath = join(scratchHostPath, 'root');
      const unpacked = await apt.unpack(packages, { treeHostPath: rootHostPath, scratchHostPath, signal });
      if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });

      progress('packing root.tar');
      await configureRoot(rootHostPath);
      const packed = await exec([...TAR, join(treeHostPath, 'root.tar'), ...(await readdir(rootHostPath))], {
        cwd: rootHostPath,
        signal,
      });
      if (packed.exitCode !== 0)
        return err({ source: 'own', reason: 'broken', why: `root.tar: ${packed.stderr.trim()}` });
      const lines = packages.map(({ name, version }) => `${name} ${version}\n`).sort();
      await writeFile(join(treeHostPath, 'packages.txt'), lines.join(''));
      return ok({
        madeBy: `apt-get download of ${packages.length} packages (${NODE_ROOT_SUITE}), see packages.txt`,
      });
    },
  };
}

/** GNU tar's words for the same bytes each time. On a node everybody is root, so nothing needs a set-user-ID bit. */
const TAR = [
  ...['tar', '--create', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'],
  ...['--mode=ug-s', '--format=gnu', '--file'],
];
