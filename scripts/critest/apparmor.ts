import type { Artifact } from '../../lab/artifacts/artifact.ts';
import { LabError } from '../../lab/core/lab-error.ts';
import type { BackendName, RunningNode } from '../../lab/nodes/node.ts';
import type { LeftOut } from './causes.ts';

/** Profiles belong to the kernel. If a node shares the kernel of its host, they would be loaded on the host. */
export const APPARMOR_LEFT_OUT: LeftOut = {
  name: 'AppArmor runtime should',
  why: "node: its kernel is this machine's, and so would be the profiles that critest loads; --backend vm runs these",
};

interface AppArmorOptions {
  readonly backend: BackendName;
  /** the artifact critest-apparmor */
  readonly tools: () => Promise<Artifact>;
}

/**
 * Makes a virtual machine able to load AppArmor profiles, if its kernel has AppArmor. Returns the specs that must be
 * left out on other backends.
 */
export async function prepareAppArmor(
  node: RunningNode,
  { backend, tools }: AppArmorOptions,
): Promise<readonly LeftOut[]> {
  const enabled = await node.readFile('/sys/module/apparmor/parameters/enabled').catch(() => 'N');
  if (!enabled.startsWith('Y')) return []; // the specs detect that themselves and skip
  if (backend !== 'vm') return [APPARMOR_LEFT_OUT];
  const folder = await node.provide(await tools());
  const { exitCode, stderr } = await node.exec(['sh', '-ec', LAY_OVER, 'sh', folder]);
  if (exitCode !== 0)
    throw new LabError(`AppArmor's programs cannot be brought to ${node.name}: ${stderr.trim()}`);
  return [];
}

/**
 * /usr of a node is read-only, and what is under test is in /usr/local, which is a separate mount. PAM is configured to
 * accept root without a check, because its configuration is created by maintainer scripts, which the lab does not run.
 * An artifact cannot contain empty directories.
 */
const LAY_OVER = `
mount --bind /usr/local /mnt
mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr
mount --bind /mnt /usr/local
umount /mnt
cp -r "$1/etc/." /etc
for kind in auth account session; do echo "$kind required pam_permit.so"; done > /etc/pam.d/sudo
mkdir -p /var/cache/apparmor /etc/apparmor.d/tunables/xdg-user-dirs.d
mount -t securityfs securityfs /sys/kernel/security
`;
