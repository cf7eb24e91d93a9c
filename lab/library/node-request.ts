import { basename } from 'node:path';
import { DEFAULT_RUNTIME, type RuntimeName } from '../core/components.ts';
import { contentOf, type Content, type JsonObject } from '../core/content.ts';
import type { FakePlugin } from '../core/fake-plugin.ts';
import type { NodeLimits, SystemCalls } from '../core/node-state.ts';
import type { BackendName } from '../nodes/node.ts';
import { formatJson, writtenOf } from '../spec/written-json.ts';
import { scenarioOfNode, type FileSpec, type Scenario } from '../spec/scenario.ts';
import { literalContent } from '../spec/text-shapes.ts';
import { literally } from '../spec/template.ts';
import { NOWHERE } from './node-history.ts';
import { writtenScript } from './plugin-script.ts';

/** The requested node of a test. Everything has a default. Versions are written as in a scenario file. */
export interface NodeRequest {
  readonly backend: BackendName | 'auto';
  readonly runtime: { readonly name: RuntimeName; readonly version: string };
  readonly runc?: string;
  readonly crictl?: string;
  /** `none` for an empty /opt/cni/bin */
  readonly cniPlugins: string;
  /** paths of plugins of the user, relative to the working directory */
  readonly ownPlugins: readonly string[];
  readonly scriptedPlugins: readonly FakePlugin[];
  /** whether plugin calls are recorded */
  readonly recordsCalls: boolean;
  readonly runtimeConfig?: JsonObject;
  readonly cniConfig: readonly AnyFile[];
  readonly files: readonly AnyFile[];
  readonly systemCalls?: SystemCalls;
  readonly limits?: NodeLimits;
}

export interface AnyFile extends Content {
  readonly name: string;
  readonly mode?: number;
}

export const ANY_NODE: NodeRequest = {
  backend: 'auto',
  runtime: { name: DEFAULT_RUNTIME, version: 'default' },
  cniPlugins: 'default',
  ownPlugins: [],
  scriptedPlugins: [],
  recordsCalls: false,
  cniConfig: [],
  files: [],
};

/** The request in the form of a scenario file without steps. */
export function scenarioOf(request: NodeRequest): Scenario {
  const { runtime, runc, crictl, cniPlugins, ownPlugins, runtimeConfig, cniConfig, files } = request;
  const { scriptedPlugins, recordsCalls, systemCalls, limits } = request;
  const version = (text: string) => ({ text, place: NOWHERE });
  return scenarioOfNode({
    summary: 'a node for a program',
    place: NOWHERE,
    node: {
      runtime: { name: runtime.name, version: version(runtime.version) },
      ...(runc === undefined ? {} : { runc: version(runc) }),
      ...(crictl === undefined ? {} : { crictl: version(crictl) }),
      cniPlugins: {
        ...(cniPlugins === 'none' ? {} : { set: version(cniPlugins) }),
        plugins: ownPlugins.map((path) => ({ plugin: basename(path), version: version(`local:${path}`) })),
        ...(scriptedPlugins.length === 0
          ? {}
          : {
              fakes: scriptedPlugins.map(({ plugin, script }) => ({ plugin, script: writtenScript(script) })),
            }),
      },
      ...(runtimeConfig === undefined ? {} : { runtimeConfig: writtenOf(runtimeConfig) }),
      cniConfig: cniConfig.map(fileSpec),
      files: files.map(fileSpec),
      ...(systemCalls === undefined ? {} : { systemCalls }),
      ...(limits === undefined ? {} : { limitsOver: limits }),
      ...(recordsCalls ? { record: true } : {}),
    },
  });
}

const fileSpec = ({ name, mode, ...content }: AnyFile): FileSpec => ({
  name: literally(name),
  ...literalContent(content),
  ...(mode === undefined ? {} : { mode }),
  place: NOWHERE,
});

/** A conflist as a file in /etc/cni/net.d. The file name is derived from its `name`. */
export function conflistFile(config: JsonObject): AnyFile {
  const { name } = config;
  return {
    name: `10-${typeof name === 'string' ? name : 'net'}.${'plugins' in config ? 'conflist' : 'conf'}`,
    content: formatJson(config),
  };
}

/** Text and bytes stay unchanged; an object becomes JSON. */
export function anyContent(content: string | Uint8Array | JsonObject): Content {
  if (typeof content === 'string') return { content };
  return content instanceof Uint8Array ? contentOf(content) : { content: formatJson(content) };
}
