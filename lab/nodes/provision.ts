import type { Artifact } from '../artifacts/artifact.ts';
import { LabError } from '../core/lab-error.ts';
import type { Runtime } from '../core/runtime.ts';
import type { NodePlan } from '../plan/plan.ts';
import type { LabNode, NodeFile } from './node.ts';
import { binaries, installPlugins, type InstalledPlugins } from './plugins.ts';

export const CNI_CONFIG = '/etc/cni/net.d';
const USR_LOCAL_BIN = '/usr/local/bin';

/** The artifacts of one node, each already in the cache. */
export interface NodeArtifacts {
  readonly runtime: Artifact;
  readonly runc: Artifact;
  readonly crictl: Artifact;
  readonly plugins: InstalledPlugins;
}

const crictlConfig = ({ socket }: Runtime['traits']): string =>
  [`runtime-endpoint: unix://${socket}`, `image-endpoint: unix://${socket}`, 'timeout: 60', ''].join('\n');

/** What a node is to be, and the runtime that the plan names. */
export interface Preparation {
  readonly plan: NodePlan;
  readonly runtime: Runtime;
}

/**
 * What makes a bare node into this node, as one text: equal texts are equal nodes. All that provisionNode would write is in
 * it, so that it cannot be forgotten when that changes.
 */
export async function preparationOf(
  preparation: Preparation,
  { images, ...artifacts }: NodeArtifacts & { readonly images: readonly Artifact[] },
): Promise<string> {
  const written: (readonly NodeFile[])[] = [];
  const provide = async ({ key }: Artifact) => key;
  const writeFiles = async (files: readonly NodeFile[]) => {
    written.push(files);
    return [];
  };
  await provisionNode({ provide, writeFiles }, preparation, artifacts);
  return JSON.stringify({ written, images: images.map(({ key }) => key) });
}

/** Makes a bare node into the node of the plan, up to but without the start of its runtime. */
export async function provisionNode(
  node: Pick<LabNode, 'provide' | 'writeFiles'>,
  { plan, runtime }: Preparation,
  artifacts: NodeArtifacts,
): Promise<void> {
  await Promise.all([
    installPrograms(node, artifacts.runtime),
    installPrograms(node, artifacts.runc),
    installPrograms(node, artifacts.crictl),
    installPlugins(node, artifacts.plugins),
    node.writeFiles([
      ...runtime.files(plan.runtime.version, plan.runtimeConfig),
      { nodePath: '/etc/crictl.yaml', content: crictlConfig(runtime.traits) },
      ...plan.cniConfig.map((file) => fileAt(`${CNI_CONFIG}/${file.name}`, file)),
      ...plan.files.map((file) => fileAt(file.name, file)),
    ]),
  ]);
}

const fileAt = (nodePath: string, { content, encoding, mode }: NodePlan['files'][number]): NodeFile => ({
  nodePath,
  content,
  ...(encoding !== undefined && { encoding }),
  ...(mode !== undefined && { mode }),
});

/** Puts programs of the runtime, runc or crictl where the field has them, as links into the artifact cache. */
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

/** Puts image archives into the runtime's store, as no registry can be asked. */
export async function importImages(
  node: LabNode,
  runtime: Runtime,
  images: readonly Artifact[],
): Promise<void> {
  for (const image of images) {
    const folder = await node.provide(image);
    for (const { path } of image.files) {
      const result = await node.exec(runtime.importImage(`${folder}/${path}`), { timeoutMs: 60_000 });
      if (result.exitCode !== 0) {
        throw new LabError(`the image ${path} was not imported on ${node.name}: ${result.stderr.trim()}`);
      }
    }
  }
}
