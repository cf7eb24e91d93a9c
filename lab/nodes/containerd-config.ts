import { stringify } from 'smol-toml';

/** The name under which the sandbox image is on every node; no registry serves it. */
export const SANDBOX_IMAGE = 'cnilab.local/pause:1';

/** Plain data that TOML can hold. */
export interface ConfigTable {
  readonly [key: string]: ConfigValue;
}
type ConfigValue = string | number | boolean | null | readonly ConfigValue[] | ConfigTable;

/**
 * containerd's config.toml: its own defaults, but for the sandbox image and oom scores, with `overrides` laid over.
 * `restrict_oom_score_adj` is set everywhere: without CAP_SYS_RESOURCE no sandbox starts otherwise, and with it on every
 * node alike, a verdict does not depend on the host's capabilities.
 */
export function containerdConfig(version: string, overrides: ConfigTable): string {
  return stringify(merge(defaults(version), overrides));
}

/** 2.0 split the CRI plugin in two and moved the sandbox image to pinned_images; config version 3 says so. */
function defaults(version: string): ConfigTable {
  if (Number.parseInt(version, 10) >= 2) {
    return {
      version: 3,
      plugins: {
        'io.containerd.cri.v1.images': { pinned_images: { sandbox: SANDBOX_IMAGE } },
        'io.containerd.cri.v1.runtime': { restrict_oom_score_adj: true },
      },
    };
  }
  return {
    version: 2,
    plugins: { 'io.containerd.grpc.v1.cri': { sandbox_image: SANDBOX_IMAGE, restrict_oom_score_adj: true } },
  };
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
