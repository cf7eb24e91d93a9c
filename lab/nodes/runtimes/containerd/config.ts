import { stringify } from 'smol-toml';

import { CNI_BIN, SANDBOX_IMAGE } from '../../../core/components.ts';
import type { JsonObject } from '../../../core/json.ts';
import { inTablesOf } from './config-roles.ts';
import { mergeTables } from './tables.ts';

/**
 * containerd's config.toml: its own defaults, but for the sandbox image, oom scores and the folder of the plugins, with
 * `config` laid over, whose roles are put where this version reads them. `restrict_oom_score_adj` is set everywhere: without CAP_SYS_RESOURCE no sandbox starts
 * otherwise, and with it on every node alike, a verdict does not depend on the host's capabilities. The folder is
 * upstream's default, named because Debian's builds have /usr/lib/cni instead (1.7.24) or before it (2.1.9).
 */
export function configText(version: string, config: JsonObject): string {
  return stringify(mergeTables(defaults(version), inTablesOf(version, config)));
}

/**
 * 2.0 split the CRI plugin in two and moved the sandbox image to pinned_images; config version 3 says so. 2.1 made the
 * folder of the plugins a list.
 */
function defaults(version: string): JsonObject {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major >= 2) {
    const cni = major === 2 && minor === 0 ? { bin_dir: CNI_BIN } : { bin_dirs: [CNI_BIN] };
    return {
      version: 3,
      plugins: {
        'io.containerd.cri.v1.images': { pinned_images: { sandbox: SANDBOX_IMAGE } },
        'io.containerd.cri.v1.runtime': { restrict_oom_score_adj: true, cni },
      },
    };
  }
  const cri = { sandbox_image: SANDBOX_IMAGE, restrict_oom_score_adj: true, cni: { bin_dir: CNI_BIN } };
  return { version: 2, plugins: { 'io.containerd.grpc.v1.cri': cri } };
}
