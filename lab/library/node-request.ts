import { basename } from 'node:path';
import type { BackendName } from '../nodes/node.ts';
import { formatJson } from '../spec/format-json.ts';
import { scenarioOfNode } from '../spec/scenario-of-node.ts';
import type { FileSpec, JsonObject, Scenario } from '../spec/scenario.ts';
import { literally } from '../spec/template.ts';
import { writtenOf } from '../spec/written-json.ts';
import { NOWHERE } from './node-history.ts';

/** What a program wants of a node; all of it can be left as it is. Versions are written as in a scenario file. */
export interface NodeRequest {
  readonly backend: BackendName | 'auto';
  readonly containerd: string;
  readonly runc?: string;
  readonly crictl?: string;
  /** `none` for an empty /opt/cni/bin */
  readonly cniPlugins: string;
  /** paths of plugins of the user's own, from the working folder */
  readonly ownPlugins: readonly string[];
  readonly containerdConfig?: JsonObject;
  readonly cniConfig: readonly TextFile[];
  readonly files: readonly TextFile[];
}

export interface TextFile {
  readonly name: string;
  readonly content: string;
  readonly mode?: number;
}

export const ANY_NODE: NodeRequest = {
  backend: 'auto',
  containerd: 'default',
  cniPlugins: 'default',
  ownPlugins: [],
  cniConfig: [],
  files: [],
};

/** The request as a scenario file without steps would have it. */
export function scenarioOf(request: NodeRequest): Scenario {
  const { containerd, runc, crictl, cniPlugins, ownPlugins, containerdConfig, cniConfig, files } = request;
  const version = (text: string) => ({ text, place: NOWHERE });
  return scenarioOfNode({
    summary: 'a node for a program',
    place: NOWHERE,
    node: {
      containerd: version(containerd),
      ...(runc === undefined ? {} : { runc: version(runc) }),
      ...(crictl === undefined ? {} : { crictl: version(crictl) }),
      cniPlugins: {
        ...(cniPlugins === 'none' ? {} : { set: version(cniPlugins) }),
        plugins: ownPlugins.map((path) => ({ plugin: basename(path), version: version(`local:${path}`) })),
      },
      ...(containerdConfig === undefined ? {} : { containerdConfig: writtenOf(containerdConfig) }),
      cniConfig: cniConfig.map(fileSpec),
      files: files.map(fileSpec),
    },
  });
}

const fileSpec = ({ name, content, mode }: TextFile): FileSpec => ({
  name: literally(name),
  content: literally(content),
  ...(mode === undefined ? {} : { mode }),
  place: NOWHERE,
});

/** A conflist as it would lie in /etc/cni/net.d, under a name that its own suggests. */
export function conflistFile(config: JsonObject): TextFile {
  const { name } = config;
  return {
    name: `10-${typeof name === 'string' ? name : 'net'}.${'plugins' in config ? 'conflist' : 'conf'}`,
    content: formatJson(config),
  };
}
