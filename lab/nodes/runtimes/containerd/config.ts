import { stringify } from 'smol-toml';

import { CNI_BIN, SANDBOX_IMAGE } from '../../../core/components.ts';
import type { JsonObject, JsonValue } from '../../../core/content.ts';
import { isTable, mergeTables } from '../tables.ts';

/** The table of the CRI plugin in containerd 1.x. In 2.x it only contains the streaming server. */
export const CRI = 'io.containerd.grpc.v1.cri';
export const RUNTIME = 'io.containerd.cri.v1.runtime';
export const IMAGES = 'io.containerd.cri.v1.images';

/**
 * The config.toml of containerd: its own defaults, except for the sandbox image, OOM scores and the plugin directory.
 * `config` is merged over it, with its tables moved to where this version reads them.
 * `restrict_oom_score_adj` is always set. Without CAP_SYS_RESOURCE no sandbox starts otherwise. Because it is set on
 * every node, a verdict does not depend on the capabilities of the host.
 * The plugin directory is the upstream default. It is set explicitly because builds of Debian use /usr/lib/cni instead
 * of it (1.7.24) or before it (2.1.9).
 */
export function configText(version: string, config: JsonObject): string {
  return stringify(mergeTables(defaults(version), inTablesOf(version, config)));
}

/**
 * 2.0 split the CRI plugin in two and moved the sandbox image to pinned_images; the version of the config is 3. 2.1
 * made the plugin directory a list.
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

const STREAMING = [
  'disable_tcp_service',
  'enable_tls_streaming',
  'stream_idle_timeout',
  'stream_server_address',
  'stream_server_port',
  'x509_key_pair_streaming',
];
const OF_IMAGES = [
  'concurrent_layer_fetch_buffer',
  'disable_snapshot_annotations',
  'discard_unpacked_layers',
  'image_decryption',
  'image_pull_progress_timeout',
  'image_pull_with_sync_fs',
  'max_concurrent_downloads',
  'pinned_images',
  'registry',
  'snapshotter',
  'stats_collect_period',
  'use_local_image_pull',
];
/** In 1.x these keys are one table deeper. */
const IN_CONTAINERD = ['disable_snapshot_annotations', 'discard_unpacked_layers', 'snapshotter'];

/**
 * The tables of the configuration, in which the table `cri` is moved to where this version reads it. `cri` is
 * independent of the version; its keys have the names of 1.x. A table with its real name takes precedence.
 */
export function inTablesOf(version: string, config: JsonObject): JsonObject {
  const { cri, ...rest } = config;
  if (!isTable(cri)) return config;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const plugins = major < 2 ? { [CRI]: cri } : splitIn2(cri, { binDirs: major > 2 || minor > 0 });
  return mergeTables({ plugins }, rest);
}

/** 2.0 split the plugin in two and left its streaming server in the old table. 2.1 made the plugin directory a list. */
function splitIn2(
  { sandbox_image: sandbox, containerd, cni, ...cri }: JsonObject,
  { binDirs }: { binDirs: boolean },
): JsonObject {
  const inContainerd = isTable(containerd) ? containerd : {};
  const runtime = {
    ...without(cri, [...STREAMING, ...OF_IMAGES]),
    ...(containerd === undefined ? {} : orNothing('containerd', without(inContainerd, IN_CONTAINERD))),
    ...(cni === undefined ? {} : { cni: binDirs && isTable(cni) ? withBinDirs(cni) : cni }),
  };
  const images = mergeTables(
    { ...only(cri, OF_IMAGES), ...only(inContainerd, IN_CONTAINERD) },
    sandbox === undefined ? {} : { pinned_images: { sandbox } },
  );
  return {
    ...orNothing(CRI, only(cri, STREAMING)),
    ...orNothing(IMAGES, images),
    ...orNothing(RUNTIME, runtime),
  };
}

/** In 2.x, the table of 1.x still exists for these keys. */
export const isStreamingAlone = (name: string, table: JsonValue): boolean =>
  name === CRI && isTable(table) && Object.keys(table).every((key) => STREAMING.includes(key));

const withBinDirs = ({ bin_dir: folder, ...cni }: JsonObject): JsonObject =>
  folder === undefined ? cni : { bin_dirs: [folder], ...cni };

const only = (table: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(table).filter(([key]) => keys.includes(key)));

const without = (table: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)));

const orNothing = (key: string, table: JsonObject): JsonObject =>
  Object.keys(table).length === 0 ? {} : { [key]: table };
