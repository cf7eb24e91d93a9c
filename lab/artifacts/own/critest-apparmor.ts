import { join } from 'node:path';

import { err, ok } from '../../core/lab-error.ts';
import type { Arch } from '../../core/components.ts';
import type { Apt } from '../apt/apt.ts';
import type { Recipe } from '../artifact.ts';
import { layOut } from './netfilter.ts';
import { NODE_ROOT_SUITE, packagesBeyondNodeRoot } from './node-root.ts';

export interface CritestApparmorOptions {
  readonly arch: Arch;
  readonly apt: Pick<Apt, 'allFor' | 'unpack'>;
}

/** critest loads AppArmor profiles with `sudo apparmor_parser`, and containerd its own with apparmor_parser. */
const PACKAGES = ['apparmor', 'sudo'];

const WANTED = /^(usr\/(lib|libexec|bin|sbin|share\/apparmor-features)|etc)\//;

/** What loads AppArmor profiles, as a tree to be laid below / of a virtual machine, whose programs are of the same release. */
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
    async make(treeHostPath, { signal, scratchHostPath, progress }) {
      progress('asking apt');
      const packages = await packagesBeyondNodeRoot(PACKAGES, { apt, signal });
      if (!packages.ok) return err({ ...packages.error, source: 'own' });
      const names = packages.value.map(({ name, version }) => `${name}=${version}`).join(' ');
      progress(`downloading ${names}`);
      const unpackedHostPath = join(scratchHostPath, 'unpacked');
      const unpacked = await apt.unpack(packages.value, {
        treeHostPath: unpackedHostPath,
        scratchHostPath,
        signal,
      });
      if (!unpacked.ok) return err({ ...unpacked.error, source: 'own' });
      await layOut(unpackedHostPath, { treeHostPath, wanted: WANTED });
      return ok({ madeBy: `apt-get download ${names} (${NODE_ROOT_SUITE})` });
    },
  };
}
