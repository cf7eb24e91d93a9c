import type { Artifact } from '../artifacts/artifact.ts';
import { CNI_BIN } from '../core/components.ts';
import { LabError } from '../core/lab-error.ts';
import type { LabNode, NodeFile } from './node.ts';

/** What is to be in /opt/cni/bin: a whole set, and single plugins over it. */
export interface InstalledPlugins {
  readonly set?: Artifact;
  readonly overrides: readonly { readonly plugin: string; readonly from: Artifact }[];
}

/** Empties /opt/cni/bin and puts these plugins into it, as links into the artifact cache. */
export async function installPlugins(
  node: Pick<LabNode, 'provide' | 'writeFiles'>,
  { set, overrides }: InstalledPlugins,
): Promise<void> {
  const links = new Map<string, string>();
  if (set !== undefined) for (const [name, target] of await binaries(node, set)) links.set(name, target);
  for (const { plugin, from } of overrides) {
    const plugins = new Map(await binaries(node, from));
    const target = plugins.get(plugin);
    if (target === undefined) {
      const known = [...plugins.keys()].join(', ');
      throw new LabError(`${from.name} ${from.version} has no plugin "${plugin}"; it has ${known}`);
    }
    links.set(plugin, target);
  }
  await node.writeFiles([
    { nodePath: CNI_BIN, remove: true },
    ...[...links].map(([name, linkTo]): NodeFile => ({ nodePath: `${CNI_BIN}/${name}`, linkTo })),
  ]);
}

/** The programs of an artifact, by name, with where they are on the node. */
export async function binaries(
  node: Pick<LabNode, 'provide'>,
  artifact: Artifact,
): Promise<readonly (readonly [string, string])[]> {
  const folder = await node.provide(artifact);
  return artifact.files
    .filter((file) => file.path.startsWith('bin/'))
    .map((file) => [file.path.slice('bin/'.length), `${folder}/${file.path}`] as const);
}
