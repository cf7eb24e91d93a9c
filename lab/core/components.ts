import { FAKE_PROGRAM, type FakePlugin } from './fake-plugin.ts';

/** What a node is made of, in versions that a user can choose. */
export const COMPONENTS = ['containerd', 'crio', 'runc', 'cni-plugins', 'crictl'] as const;
export type ComponentName = (typeof COMPONENTS)[number];

/** Those of them that answer CRI; a node has exactly one. */
export const RUNTIMES = ['containerd', 'crio'] as const satisfies readonly ComponentName[];
export type RuntimeName = (typeof RUNTIMES)[number];

/** Of a node of which nobody says which. */
export const DEFAULT_RUNTIME: RuntimeName = 'containerd';

export const isRuntime = (name: ComponentName): name is RuntimeName =>
  RUNTIMES.some((runtime) => runtime === name);

/** One value for each component. */
export const byComponent = <T>(valueOf: (name: ComponentName) => T): Readonly<Record<ComponentName, T>> =>
  // every component is a key; the type of fromEntries does not say so
  Object.fromEntries(COMPONENTS.map((name) => [name, valueOf(name)])) as Record<ComponentName, T>;

/** Where a component can come from; the order is the default order in which they are tried. */
export const SOURCES = ['local', 'release', 'gomod', 'debian'] as const;
export type SourceName = (typeof SOURCES)[number];

/** One component at one exact version. `source` is there when the user insists on one. */
export type ComponentRef =
  | {
      readonly component: ComponentName;
      /** upstream's version without a `v`: 1.6.3, 2.0.0-rc.1 */
      readonly version: string;
      readonly source?: Exclude<SourceName, 'local'>;
    }
  | {
      readonly component: ComponentName;
      readonly source: 'local';
      /** absolute path of a folder, a single binary or an archive that the user names */
      readonly hostPath: string;
      /** what its own --version says */
      readonly version: string;
    }
  /** the program of scripted plugins, which no source has: fake-plugin.ts */
  | { readonly component: ComponentName; readonly source: 'fake'; readonly version: string };

/** A runtime at one exact version. */
export type RuntimeRef = ComponentRef & { readonly component: RuntimeName };

/** `containerd 1.6.3`, `containerd 1.6.20 from debian`: how people name it in messages. */
export function describeComponent(ref: ComponentRef): string {
  return `${ref.component} ${ref.version}${ref.source === undefined ? '' : ` from ${ref.source}`}`;
}

/** As people read it in a plan, where a path says more than that there is one. */
export const describeWithPath = (ref: ComponentRef): string =>
  ref.source === 'local' ? `${ref.component} ${ref.version} from ${ref.hostPath}` : describeComponent(ref);

/** What is in /opt/cni/bin: the whole set of one release, then single plugins over it, scripted ones among them. */
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

/** Processors that nodes run on, as Go, OCI and release files name them. */
export const ARCHS = ['amd64', 'arm64'] as const;
export type Arch = (typeof ARCHS)[number];

/** Where plugins are on every node, whatever a runtime's own default. */
export const CNI_BIN = '/opt/cni/bin';

/** Where the recorder keeps the plugins that it stands in for: `/lab/plugins/3/bridge`. */
export const RECORDED_PLUGINS = '/lab/plugins';

/** The names of the images on every node. No registry serves them: the lab makes them and imports them. */
export const SANDBOX_IMAGE = 'cnilab.local/pause:1';
export const APP_IMAGE = 'cnilab.local/app:1';
