import { err } from '../../core/lab-error.ts';
import type { Arch } from '../../core/components.ts';
import type { Apt } from '../apt/apt.ts';
import { layPackagesOut } from '../apt/lay-out.ts';
import type { Recipe } from '../artifact.ts';
import { NODE_ROOT_SUITE, packagesBeyondNodeRoot } from './node-root.ts';

export interface CritestApparmorOptions {
  readonly arch: Arch;
  readonly apt: Pick<Apt, 'allFor' | 'unpack'>;
}

/** critest loads AppArmor profiles with `sudo apparmor_parser`, and containerd loads its own with apparmor_parser. */
const PACKAGES = ['apparmor', 'sudo'];

const WANTED = /^(usr\/(lib|libexec|bin|sbin|share\/apparmor-features)|etc)\//;

/**
 * The programs that load AppArmor profiles, as a tree for the root of a virtual machine. The programs of the machine
 * are of the same release.
 */
export function critestApparmorRecipe({ arch, apt }: CritestApparmorOptions): Recipe {
  return {
    source: 'own',
    name: 'critest-apparmor',
    version: NODE_ROOT_SUITE,
    request: JSON.stringify({
      own: 'critest-apparmor',
      arch,
      suite: NODE_ROOT_SUITE,
      packages: PACKAGES,
      revision: 2,
    }),
    async make(treeHostPath, job) {
      job.progress('asking apt');
      const packages = await packagesBeyondNodeRoot(PACKAGES, { apt, signal: job.signal });
      if (!packages.ok) return err({ ...packages.error, source: 'own' });
      return layPackagesOut(packages.value, { apt, treeHostPath, wanted: WANTED, job });
    },
  };
}
