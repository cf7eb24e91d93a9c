import { RUNTIMES, type ComponentName, type RuntimeName } from '../core/components.ts';
import { SYSTEM_CALLS } from '../core/node-state.ts';
import { didYouMean, type Place } from './diagnostic.ts';
import { startExpectShape } from './expect-shape.ts';
import type { FakePlugin, FakeScript } from '../core/fake-plugin.ts';
import { delegatesToItself, fakeScriptShape } from './fake-shape.ts';
import { present, object } from './object-shape.ts';
import type { CniPluginsSpec, LimitSpec, NodeSpec, VersionText } from './scenario.ts';
import { bool, text, word } from './scalar-shapes.ts';
import { LEAST_PROCESSES, type LimitName, limitOf } from './limits.ts';
import { about, byKind, type JsonSchema, list, mapOf, mapped, named, type Shape } from './shape.ts';
import { filesShape, forTexts, versionShape } from './text-shapes.ts';
import { jsonShape, type WrittenObject } from './written-json.ts';
import type { YamlValue } from './yaml-value.ts';

/** A limit that refers to the matrix is checked for each cell. */
const limit = (name: LimitName, literal: JsonSchema): Shape<LimitSpec> => ({
  ...mapped(text(), (value, spot): LimitSpec | undefined => {
    spot.mention({ kind: 'text', text: value, reach: 'matrix' });
    const read = value.includes('${') ? undefined : limitOf(name, value);
    return read?.ok === false ? spot.mistake(read.error) : { name, text: value, place: spot.place };
  }),
  schema: () => ({ anyOf: [literal, { type: 'string', pattern: '\\$\\{' }] }),
});

const SIZE = { type: 'string', pattern: '^\\d+[MG]iB$' } as const;

const limitsShape: Shape<readonly LimitSpec[]> = object(
  {
    required: {},
    optional: {
      memory: about(
        "of all its processes and files; a virtual machine's whole memory",
        limit('memory', SIZE),
      ),
      processes: about(
        'how many there may be, threads included; not of a virtual machine',
        limit('processes', { type: 'integer', minimum: LEAST_PROCESSES }),
      ),
      tmpfs: about('what each of its file systems may hold; not of a virtual machine', limit('tmpfs', SIZE)),
    },
  },
  ({ memory, processes, tmpfs }) => [memory, processes, tmpfs].filter((one) => one !== undefined),
);

/** A path of a file of the user. */
const pathShape: Shape<VersionText> = mapped(text(), (path, spot) => {
  spot.mention({ kind: 'text', text: path, reach: 'matrix' });
  return { text: path, place: spot.place };
});

const setOrNone: Shape<VersionText | null> = {
  ...versionShape,
  wanted: 'a version or none',
  read: (spot) => (spot.text === 'none' ? null : versionShape.read(spot)),
};

const wholeSet = mapped(setOrNone, (set): CniPluginsSpec => ({
  ...present({ set: set ?? undefined }),
  plugins: [],
}));

const fakeOf: Shape<FakeScript<WrittenObject>> = object(
  { required: { fake: about('what a scripted plugin does, by verb', fakeScriptShape) }, optional: {} },
  ({ fake }) => fake,
);

const versionOrFake: Shape<OfPlugin> = byKind<OfPlugin>({
  ...forTexts(mapped(setOrNone, (version): OfPlugin => ({ version }))),
  mapping: mapped(fakeOf, (fake): OfPlugin => ({ fake })),
});

const singlePlugins = mapOf(versionOrFake, {
  key: (name, spot) => {
    if (!isPluginName(name)) spot.mistake(`wanted the name of a plugin; got ${JSON.stringify(name)}`);
  },
  build: (of, plugin, key): SinglePlugin => ({ plugin, of, key }),
});

/** The version of a complete set, a set with single plugins of other versions, or `none`. */
export const pluginsShape: Shape<CniPluginsSpec> = named(
  'cni-plugins',
  byKind<CniPluginsSpec>({ ...forTexts(wholeSet), mapping: mapped(singlePlugins, mixedPlugins) }),
);

/** The versions in a set of plugins. */
export const pluginVersions = ({
  set,
  plugins,
}: CniPluginsSpec): readonly (readonly [ComponentName, VersionText])[] =>
  [...(set === undefined ? [] : [set]), ...plugins.map(({ version }) => version)].map(
    (version) => ['cni-plugins', version] as const,
  );

/** A plugin: from a release, null for none, or scripted. */
type OfPlugin = { readonly version: VersionText | null } | { readonly fake: FakeScript<WrittenObject> };
type SinglePlugin = { readonly plugin: string; readonly of: OfPlugin; readonly key: YamlValue };

function mixedPlugins(entries: readonly SinglePlugin[], spot: YamlValue): CniPluginsSpec | undefined {
  const set = entries.find(({ plugin }) => plugin === 'set');
  if (set === undefined) {
    return spot.mistake(
      '"set" is missing: the version of all other plugins, or none; { set: 0.9.1, loopback: 1.1.1 }',
    );
  }
  if ('fake' in set.of)
    return set.key.mistake('a whole set is not scripted: name each plugin, and "set: none"');
  const plugins: { plugin: string; version: VersionText }[] = [];
  const fakes: FakePlugin<WrittenObject>[] = [];
  for (const { plugin, of, key } of entries) {
    if (plugin === 'set') continue;
    if ('fake' in of) {
      const fake = { plugin, script: of.fake };
      if (delegatesToItself(fake, key)) continue;
      key.mention({ kind: 'plugin', name: plugin });
      fakes.push(fake);
    } else if (of.version === null)
      key.mistake(`only "set" can be none; take "${plugin}" away with a step "remove-plugins: [${plugin}]"`);
    else if (!STANDARD_PLUGINS.includes(plugin) && !mayBeLocal(of.version))
      key.mistake(`no release has a plugin "${plugin}"${didYouMean(plugin, STANDARD_PLUGINS)}`);
    else {
      key.mention({ kind: 'words', text: plugin });
      plugins.push({ plugin, version: of.version });
    }
  }
  return {
    ...present({ set: set.of.version ?? undefined }),
    plugins,
    ...(fakes.length === 0 ? {} : { fakes }),
  };
}

/** A plugin of the user can have any name. */
const mayBeLocal = ({ text }: VersionText): boolean => text.startsWith('local:') || text.includes('${');

/** A file in /opt/cni/bin. */
const isPluginName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name);

/** The version of a runtime under its name. A node has one of these, or two whose versions are axes. */
const RUNTIME_KEYS: Readonly<Record<RuntimeName, Shape<VersionText>>> = {
  containerd: about('the version of containerd, its shim and ctr', versionShape),
  crio: about(
    'the version of CRI-O and its pinns, in place of containerd; or beside it, where each is an axis',
    versionShape,
  ),
};

/** What a file says of a node: all of it, or what is different from others. */
export const nodePartsShape: Shape<Partial<NodeSpec>> = object(
  {
    required: {},
    optional: {
      ...RUNTIME_KEYS,
      runc: about('default: the one in images/pins.yaml', versionShape),
      crictl: about('default: the one in images/pins.yaml', versionShape),
      'cni-plugins': about(
        'what is in /opt/cni/bin: a version of all, { set: 0.9.1, loopback: 1.1.1 }, or none',
        pluginsShape,
      ),
      'runtime-config': about(
        "tables and keys merged over the lab's own configuration; for containerd, cri: { … } for those of the CRI plugin in any version",
        jsonShape({ reach: 'matrix', numbers: 'doubles' }),
      ),
      'cni-config': about(
        'files in /etc/cni/net.d by name: a mapping becomes JSON, a text is written as it is',
        filesShape('matrix', 'name'),
      ),
      files: about('any other files, by absolute path', filesShape('matrix', 'absolute path')),
      images: about(
        'archives of images that pods of the node use, as `docker save` writes them; paths relative to this file',
        list(pathShape, { min: 1 }),
      ),
      limits: about('what the node may take of its host', limitsShape),
      'system-calls': about(
        "unfiltered: without the lab's seccomp filter, so that less keeps what runs there from the host; default: filtered",
        word(SYSTEM_CALLS),
      ),
      record: about('whether plugin calls and network namespaces are recorded; default: false', bool),
      expect: about(
        'how the start of the runtime ends, where it is not to run: { runtime: ended, log: … }',
        startExpectShape,
      ),
    },
    otherWords: { 'containerd-config': 'it is called runtime-config' },
  },
  (values, spot) => {
    const [runtime, otherRuntime] = RUNTIMES.flatMap((name) => {
      const version = values[name];
      return version === undefined ? [] : [{ name, version }];
    });
    return present({
      ...{ runtime, otherRuntime, runc: values.runc, crictl: values.crictl },
      ...{ runtimeConfig: values['runtime-config'], runtimeConfigPlace: placeOf(spot, 'runtime-config') },
      ...{ cniPlugins: values['cni-plugins'], cniConfig: values['cni-config'], files: values.files },
      ...{
        images: values.images,
        limits: values.limits,
        systemCalls: values['system-calls'],
        expect: values.expect,
      },
      record: values.record,
    });
  },
);

/** With what a file that does not say it means; undefined where no runtime is named, which `hasRuntime` reports. */
export const completeNode = ({ runtime, ...parts }: Partial<NodeSpec>, place: Place): NodeSpec | undefined =>
  runtime === undefined
    ? undefined
    : {
        runtime,
        cniPlugins: { set: { text: 'default', place }, plugins: [] },
        cniConfig: [],
        files: [],
        ...parts,
      };

/** `node`: the versions a node is made of, and what stands in its files before the runtime starts. */
export const nodeShape: Shape<NodeSpec> = {
  ...nodePartsShape,
  read: (spot) => {
    const isWhole = spot.kind === 'mapping' && hasRuntime(spot, RUNTIMES);
    const parts = nodePartsShape.read(spot);
    return isWhole && parts !== undefined ? completeNode(parts, spot.place) : undefined;
  },
  schema: (definitions) => ({
    ...nodePartsShape.schema(definitions),
    anyOf: RUNTIMES.map((name) => ({ required: [name] })),
  }),
};

/** Whether a node has one runtime, or two whose versions are two axes. If not, the mistake is reported. */
export function hasRuntime(spot: YamlValue, names: readonly string[]): boolean {
  const named = spot.entries.filter(({ name }) => names.includes(name));
  if (named.length === 1) return true;
  const [first = '', second = ''] = names;
  if (named.length === 0) spot.mistake(`"${first}" or "${second}" is missing`);
  else {
    const axes = named.map(({ value }) => AXIS_ALONE.exec(value.text ?? '')?.[1]);
    if (axes.every((axis) => axis !== undefined) && new Set(axes).size === axes.length) return true;
    spot.mistake(
      `a node has one runtime: leave out "${first}" or "${second}", or name an axis for each: ${first}: \${matrix.${first}}, ${second}: \${matrix.${second}}`,
    );
  }
  return false;
}

const AXIS_ALONE = /^\$\{matrix\.([^}]+)\}$/;

const placeOf = (spot: YamlValue, key: string): Place | undefined =>
  spot.entries.find(({ name }) => name === key)?.key.place;

/**
 * Every standard plugin for Linux in any release. Whether a certain release contains it is checked when the release is
 * available.
 */
export const STANDARD_PLUGINS = [
  'bandwidth',
  'bridge',
  'dhcp',
  'dummy',
  'firewall',
  'flannel',
  'host-device',
  'host-local',
  'ipvlan',
  'loopback',
  'macvlan',
  'portmap',
  'ptp',
  'sbr',
  'static',
  'tap',
  'tuning',
  'vlan',
  'vrf',
];
