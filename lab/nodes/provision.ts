import type { Artifact } from '../artifacts/artifact.ts';
import type { FakePlugin } from '../core/fake-plugin.ts';
import { LabError } from '../core/lab-error.ts';
import type { Runtime } from '../core/runtime.ts';
import type { NodePlan } from '../plan/plan.ts';
import type { LabNode, NodeFile } from './node.ts';
import { CNI_BIN } from '../core/components.ts';

export const CNI_CONFIG = '/etc/cni/net.d';
const USR_LOCAL_BIN = '/usr/local/bin';

/** The artifacts of one node. All of them are already in the cache. */
export interface NodeArtifacts {
  readonly runtime: Artifact;
  readonly runc: Artifact;
  readonly crictl: Artifact;
  readonly plugins: InstalledPlugins;
}

const crictlConfig = ({ socket }: Runtime['traits']): string =>
  [`runtime-endpoint: unix://${socket}`, `image-endpoint: unix://${socket}`, 'timeout: 60', ''].join('\n');

/** The planned node, and the runtime in the plan. */
export interface Preparation {
  readonly plan: NodePlan;
  readonly runtime: Runtime;
}

/**
 * Everything that turns a bare node into this node, as one text: equal texts mean equal nodes. It contains everything
 * that provisionNode would write, so it stays complete when provisionNode changes.
 */
export async function preparationOf(
  preparation: Preparation,
  {
    images,
    ownImages = [],
    ...artifacts
  }: NodeArtifacts & { readonly images: readonly Artifact[]; readonly ownImages?: readonly Artifact[] },
): Promise<string> {
  const written: (readonly NodeFile[])[] = [];
  const provide = async ({ key }: Artifact) => key;
  const writeFiles = async (files: readonly NodeFile[]) => {
    written.push(files);
    return [];
  };
  await provisionNode({ provide, writeFiles }, preparation, artifacts);
  const { record } = preparation.plan;
  return JSON.stringify({ written, images: [...images, ...ownImages].map(({ key }) => key), record });
}

/** Turns a bare node into the node of the plan. The runtime is not started. */
export async function provisionNode(
  node: Pick<LabNode, 'provide' | 'writeFiles'>,
  { plan, runtime }: Preparation,
  artifacts: NodeArtifacts,
): Promise<void> {
  const isPlugin = ({ name }: { readonly name: string }) => name.startsWith(`${CNI_BIN}/`);
  const filesOf = (some: NodePlan['files']) => some.map((file) => fileAt(file.name, file));
  await Promise.all([
    installPrograms(node, artifacts.runtime),
    installPrograms(node, artifacts.runc),
    installPrograms(node, artifacts.crictl),
    // it first empties the directory
    installPlugins(node, artifacts.plugins).then(async () => {
      const plugins = plan.files.filter(isPlugin);
      if (plugins.length > 0) await node.writeFiles(filesOf(plugins));
    }),
    node.writeFiles([
      ...runtime.files(plan.runtime.version, plan.runtimeConfig),
      { nodePath: '/etc/crictl.yaml', content: crictlConfig(runtime.traits) },
      ...plan.cniConfig.map((file) => fileAt(`${CNI_CONFIG}/${file.name}`, file)),
      ...filesOf(plan.files.filter((file) => !isPlugin(file))),
    ]),
  ]);
}

const fileAt = (nodePath: string, { content, encoding, mode }: NodePlan['files'][number]): NodeFile => ({
  nodePath,
  content,
  ...(encoding !== undefined && { encoding }),
  ...(mode !== undefined && { mode }),
});

/** Installs programs of the runtime, runc or crictl in the usual places, as links into the artifact cache. */
export async function installPrograms(
  node: Pick<LabNode, 'provide' | 'writeFiles'>,
  artifact: Artifact,
): Promise<void> {
  await node.writeFiles(
    (await binaries(node, artifact)).map(([name, linkTo]) => ({
      nodePath: `${USR_LOCAL_BIN}/${name}`,
      linkTo,
    })),
  );
}

/** An image of a user can have a gigabyte, and a node can be emulated. */
const IMPORTED_WITHIN_MS = 300_000;

/** Before the start of a runtime: tells it where it gets the images of these archives from, if it needs to know that then. */
export async function announceImages(
  node: LabNode,
  runtime: Runtime,
  images: readonly Artifact[],
): Promise<void> {
  if (runtime.announceImages === undefined || images.length === 0) return;
  const archives = await Promise.all(
    images.map(async (image) => {
      const folder = await node.provide(image);
      return image.files.map(({ path }) => `${folder}/${path}`);
    }),
  );
  const { exitCode, stderr } = await node.exec(runtime.announceImages(archives.flat()), {
    timeoutMs: IMPORTED_WITHIN_MS,
  });
  if (exitCode !== 0) throw new LabError(`images were not read on ${node.name}: ${stderr.trim()}`);
}

/** Imports image archives into the store of the runtime, because no registry is available. */
export async function importImages(
  node: LabNode,
  runtime: Runtime,
  images: readonly Artifact[],
): Promise<void> {
  for (const image of images) {
    const folder = await node.provide(image);
    for (const { path } of image.files) {
      const result = await node.exec(runtime.importImage(`${folder}/${path}`), {
        timeoutMs: IMPORTED_WITHIN_MS,
      });
      if (result.exitCode !== 0) {
        throw new LabError(`the image ${path} was not imported on ${node.name}: ${result.stderr.trim()}`);
      }
    }
  }
}

/** The content of /opt/cni/bin: a complete set, and single plugins that replace or extend it. */
export interface InstalledPlugins {
  readonly set?: Artifact;
  readonly overrides: readonly { readonly plugin: string; readonly from: Artifact }[];
  readonly fakes?: readonly InstalledFake[];
}

/** A scripted plugin, and the program that runs all scripted plugins. */
export interface InstalledFake extends FakePlugin {
  readonly program: Artifact;
}

/** Empties /opt/cni/bin and installs these plugins as links into the artifact cache. */
export async function installPlugins(
  node: Pick<LabNode, 'provide' | 'writeFiles'>,
  { set, overrides, fakes = [] }: InstalledPlugins,
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
  const faked: NodeFile[] = [];
  for (const fake of fakes) {
    links.delete(fake.plugin);
    faked.push(...(await fakeFiles(node, fake)));
  }
  await node.writeFiles([
    { nodePath: CNI_BIN, remove: true },
    ...[...links].map(([name, linkTo]): NodeFile => ({ nodePath: `${CNI_BIN}/${name}`, linkTo })),
    ...faked,
  ]);
}

/**
 * The files that make a plugin a scripted one. The script is not in the plugin directory, where a runtime would see it.
 * images/node-tools/internal/fake finds it by the name under which it is called.
 */
export async function fakeFiles(
  node: Pick<LabNode, 'provide'>,
  { plugin, script, program }: InstalledFake,
): Promise<readonly NodeFile[]> {
  const [binary] = await binaries(node, program);
  if (binary === undefined) throw new LabError(`${program.name} ${program.version} has no program`);
  return [
    { nodePath: `/lab/fake-plugins/${plugin}.json`, content: `${JSON.stringify(script, null, 2)}\n` },
    { nodePath: `${CNI_BIN}/${plugin}`, linkTo: binary[1] },
  ];
}

/** The programs of an artifact: name and path on the node. */
export async function binaries(
  node: Pick<LabNode, 'provide'>,
  artifact: Artifact,
): Promise<readonly (readonly [string, string])[]> {
  const folder = await node.provide(artifact);
  return artifact.files
    .filter((file) => file.path.startsWith('bin/'))
    .map((file) => [file.path.slice('bin/'.length), `${folder}/${file.path}`] as const);
}

/** Of an image store, in the directory of its artifact. */
export const STORE_ARCHIVE = 'store.tar';
export const PACKED_WITHIN_MS = 60_000;

/** Unpacks the image store and returns whether the images are on the node now. If not, they can still be imported. */
export async function unpackImageStore(
  node: LabNode,
  { imageStore: { folder } }: Runtime,
  store: Artifact,
): Promise<boolean> {
  const from = await node.provide(store);
  await node.writeFiles([{ nodePath: `${folder}/.store`, content: '' }]);
  const argv = ['tar', '--extract', '--directory', folder, '--file', `${from}/${STORE_ARCHIVE}`];
  const unpacked = await node.exec(argv, { timeoutMs: PACKED_WITHIN_MS }).then(
    ({ exitCode }) => exitCode === 0,
    () => false, // no tar on this node
  );
  await node.writeFiles([{ nodePath: unpacked ? `${folder}/.store` : folder, remove: true }]);
  return unpacked;
}
