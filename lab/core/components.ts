import { FAKE_PROGRAM, type FakePlugin } from './fake-plugin.ts';

/** The parts of a node whose version a user can choose. */
export const NODE_COMPONENTS = ['containerd', 'crio', 'runc', 'cni-plugins', 'crictl'] as const;
export type NodeComponentName = (typeof NODE_COMPONENTS)[number];

/**
 * The components of a node, and those of a cluster. All programs of a Kubernetes release are one component. kind runs
 * on this host.
 */
export const COMPONENTS = [...NODE_COMPONENTS, 'kubernetes', 'etcd', 'kind'] as const;
export type ComponentName = (typeof COMPONENTS)[number];

/** Those whose version a flag can specify in place of the scenario. */
export const FLAG_COMPONENTS = [...NODE_COMPONENTS, 'kubernetes'] as const;
export type FlagComponentName = (typeof FLAG_COMPONENTS)[number];

/** The components that answer CRI. A node has exactly one of them. */
export const RUNTIMES = ['containerd', 'crio'] as const satisfies readonly NodeComponentName[];
export type RuntimeName = (typeof RUNTIMES)[number];

/** The runtime of a node for which no runtime is specified. */
export const DEFAULT_RUNTIME: RuntimeName = 'containerd';

export const isRuntime = (name: ComponentName): name is RuntimeName =>
  RUNTIMES.some((runtime) => runtime === name);

/** One value for each component. */
export const byComponent = <T>(valueOf: (name: ComponentName) => T): Readonly<Record<ComponentName, T>> =>
  // every component is a key, but the type of fromEntries does not express that
  Object.fromEntries(COMPONENTS.map((name) => [name, valueOf(name)])) as Record<ComponentName, T>;

/** The sources of components, in the order in which they are tried by default. */
export const SOURCES = ['local', 'release', 'gomod', 'debian'] as const;
export type SourceName = (typeof SOURCES)[number];

/** One component at one exact version. `source` is set only if the user asks for that source. */
export type ComponentRef =
  | {
      readonly component: ComponentName;
      /** the upstream version without a leading `v`: 1.6.3, 2.0.0-rc.1 */
      readonly version: string;
      readonly source?: Exclude<SourceName, 'local'>;
    }
  | {
      readonly component: ComponentName;
      readonly source: 'local';
      /** absolute path of a directory, a single binary or an archive that the user specified */
      readonly hostPath: string;
      /** the output of its own --version */
      readonly version: string;
    }
  /** the program that runs scripted plugins; no source provides it, see fake-plugin.ts */
  | { readonly component: ComponentName; readonly source: 'fake'; readonly version: string };

/** A runtime at one exact version. */
export type RuntimeRef = ComponentRef & { readonly component: RuntimeName };

/** The name of a component in messages: `containerd 1.6.3`, `containerd 1.6.20 from debian`. */
export function describeComponent(ref: ComponentRef): string {
  return `${ref.component} ${ref.version}${ref.source === undefined ? '' : ` from ${ref.source}`}`;
}

/** The name of a component in a plan. It includes the path of a local component. */
export const describeWithPath = (ref: ComponentRef): string =>
  ref.source === 'local' ? `${ref.component} ${ref.version} from ${ref.hostPath}` : describeComponent(ref);

/**
 * The content of /opt/cni/bin: all plugins of one release, then single plugins that replace or extend them, including
 * scripted plugins.
 */
export interface PluginsPlan {
  readonly set?: ComponentRef;
  readonly overrides: readonly { readonly plugin: string; readonly from: ComponentRef }[];
  readonly fakes?: readonly FakePlugin[];
}

export const pluginRefs = ({ set, overrides, fakes = [] }: PluginsPlan): readonly ComponentRef[] => [
  ...(set === undefined ? [] : [set]),
  ...overrides.map(({ from }) => from),
  ...(fakes.length === 0 ? [] : [FAKE_PROGRAM]),
];

export function describePlugins({ set, overrides, fakes = [] }: PluginsPlan): string {
  const whole = set === undefined ? 'no cni-plugins' : describeWithPath(set);
  const single = overrides.map(({ plugin, from }) => `${plugin} of ${describeWithPath(from)}`);
  return [whole, ...single, ...fakes.map(({ plugin }) => `${plugin} as a script says`)].join(', ');
}

/** Processor architectures of nodes, with the names that Go, OCI and release files use. */
export const ARCHS = ['amd64', 'arm64'] as const;
export type Arch = (typeof ARCHS)[number];

/** The plugin directory on every node. It does not depend on the default of the runtime. */
export const CNI_BIN = '/opt/cni/bin';

/** Where the recorder keeps the plugins that it replaces: `/lab/plugins/3/bridge`. */
export const RECORDED_PLUGINS = '/lab/plugins';

/** The names of the images on every node. No registry serves them: the lab builds and imports them. */
export const SANDBOX_IMAGE = 'cnilab.local/pause:1';
export const APP_IMAGE = 'cnilab.local/app:1';
