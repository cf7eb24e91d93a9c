import { stringify } from 'smol-toml';

import { CNI_BIN, SANDBOX_IMAGE } from '../../../core/components.ts';
import type { JsonObject } from '../../../core/content.ts';
import type { ConfigSeen, RuntimeFile, UnreadConfig } from '../../../core/runtime.ts';
import { isTable, mergeTables } from '../tables.ts';

export const CONFIG_FOLDER = '/etc/crio';
export const CONFIG = `${CONFIG_FOLDER}/crio.conf`;
export const SOCKET = '/var/run/crio/crio.sock';
export const STORAGE = '/var/lib/containers/storage';
/** runs runc without OOM scores that a node must not set: `oci-runtime` of the agent */
const OCI_RUNTIME = '/lab/runc';
/** where images of users come from */
export const REGISTRIES = '/etc/containers/registries.conf.d/cnilab.conf';
/** Where `agent pull-image` serves images: images/node-tools/internal/registry. */
const REGISTRY = '127.127.127.127:5000';

/**
 * The crio.conf of CRI-O, with `config` merged over it, and the files of its libraries. It differs from the defaults of
 * CRI-O in these points: no systemd, no AppArmor profile (it would be loaded into the kernel of the host), no hooks of
 * the host, and a script in front of runc. The script is needed because CRI-O sets an oom_score_adj of -998 and has no
 * option to change that.
 */
export function configFiles(config: JsonObject): readonly RuntimeFile[] {
  const storage = { storage: { driver: 'overlay', graphroot: STORAGE, runroot: '/run/containers/storage' } };
  const registry = [{ prefix: 'cnilab.local', location: REGISTRY, insecure: true }];
  return [
    { nodePath: CONFIG, content: stringify(mergeTables(DEFAULTS, config)) },
    { nodePath: OCI_RUNTIME, content: '#!/lab/bin/agent oci-runtime\n', mode: 0o755 },
    {
      nodePath: '/etc/containers/policy.json',
      content: `${JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] })}\n`,
    },
    { nodePath: '/etc/containers/registries.conf', content: stringify({ registry }) },
    { nodePath: '/etc/containers/storage.conf', content: stringify(storage) },
  ];
}

const DEFAULTS: JsonObject = {
  crio: {
    storage_driver: 'overlay',
    runtime: {
      cgroup_manager: 'cgroupfs',
      apparmor_profile: 'unconfined',
      hooks_dir: ['/etc/containers/oci/hooks.d'],
      default_runtime: 'runc',
      runtimes: {
        runc: { runtime_path: OCI_RUNTIME, runtime_root: '/run/runc', monitor_cgroup: 'pod' },
      },
    },
    image: { pause_image: SANDBOX_IMAGE },
    network: { plugin_dirs: [CNI_BIN] },
  },
};

/**
 * The keys that this CRI-O ignores. `crio config` prints every key that it knows, as a comment if it has its default.
 */
export function unreadConfig(config: JsonObject, { version, dump }: ConfigSeen): UnreadConfig | undefined {
  if (dump.exitCode !== 0) {
    const message = `it is not known what CRI-O ${version} reads of its configuration: ${dump.stderr.trim()}`;
    return { message, detail: [] };
  }
  const known = keysIn(dump.stdout);
  const [first, ...others] = pathsOf(config).filter((path) => !isKnown(path, known));
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return {
    message: `CRI-O ${version} does not read ${first.join('.')}${more} of runtime-config`,
    detail: others.map((path) => path.join('.')),
  };
}

type Path = readonly string[];

const pathsOf = (table: JsonObject, above: Path = []): readonly Path[] =>
  Object.entries(table).flatMap(([key, value]) =>
    isTable(value) && Object.keys(value).length > 0 ? pathsOf(value, [...above, key]) : [[...above, key]],
  );

/** Handlers and workloads have names and keys that the user defines. */
const isKnown = (path: Path, known: ReadonlySet<string>): boolean =>
  ['runtimes', 'workloads'].includes(path[2] ?? '') || known.has(path.join('.'));

function keysIn(dump: string): ReadonlySet<string> {
  const known = new Set<string>();
  let table: Path = [];
  for (const line of dump.split('\n')) {
    const header = /^#? ?\[([\w.-]+)\]$/.exec(line)?.[1];
    if (header !== undefined) table = header.split('.');
    const key = /^(?:# )?(\w+) = /.exec(line)?.[1];
    if (key !== undefined) known.add([...table, key].join('.'));
  }
  return known;
}
