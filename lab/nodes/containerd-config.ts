import { stringify } from 'smol-toml';

import { SANDBOX_IMAGE } from '../core/components.ts';
import { CNI_BIN } from './plugins.ts';

/** Plain data that TOML can hold. */
export interface ConfigTable {
  readonly [key: string]: ConfigValue;
}
type ConfigValue = string | number | boolean | null | readonly ConfigValue[] | ConfigTable;

/**
 * containerd's config.toml: its own defaults, but for the sandbox image, oom scores and the folder of the plugins, with
 * `overrides` laid over. `restrict_oom_score_adj` is set everywhere: without CAP_SYS_RESOURCE no sandbox starts
 * otherwise, and with it on every node alike, a verdict does not depend on the host's capabilities. The folder is
 * upstream's default, named because Debian's builds have /usr/lib/cni instead (1.7.24) or before it (2.1.9).
 */
export function containerdConfig(version: string, overrides: ConfigTable): string {
  return stringify(merge(defaults(version), overrides));
}

/**
 * 2.0 split the CRI plugin in two and moved the sandbox image to pinned_images; config version 3 says so. 2.1 made the
 * folder of the plugins a list.
 */
function defaults(version: string): ConfigTable {
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

/** Table by table; anything that is not a table on both sides is replaced. */
function merge(base: ConfigTable, over: ConfigTable): ConfigTable {
  const merged: Record<string, ConfigValue> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTable(below) && isTable(value) ? merge(below, value) : value;
  }
  return merged;
}

function isTable(value: ConfigValue | undefined): value is ConfigTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
