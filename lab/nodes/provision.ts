import type { Artifact } from '../artifacts/artifact.ts';
import { LabError } from '../core/lab-error.ts';
import type { NodePlan } from '../plan/plan.ts';
import { installPrograms } from './containerd.ts';
import { containerdConfig } from './containerd-config.ts';
import type { LabNode, NodeFile } from './node.ts';
import { installPlugins, type InstalledPlugins } from './plugins.ts';

export const CNI_CONFIG = '/etc/cni/net.d';

/** The artifacts of one node, each already in the cache. */
export interface NodeArtifacts {
  readonly containerd: Artifact;
  readonly runc: Artifact;
  readonly crictl: Artifact;
  readonly plugins: InstalledPlugins;
}

const CRICTL_CONFIG = [
  'runtime-endpoint: unix:///run/containerd/containerd.sock',
  'image-endpoint: unix:///run/containerd/containerd.sock',
  'timeout: 60',
  '',
].join('\n');

/**
 * What makes a bare node into this node, as one text: equal texts are equal nodes. All that provisionNode would write is in
 * it, so that it cannot be forgotten when that changes.
 */
export async function preparationOf(
  plan: NodePlan,
  { images, ...artifacts }: NodeArtifacts & { readonly images: readonly Artifact[] },
): Promise<string> {
  const written: (readonly NodeFile[])[] = [];
  const provide = async ({ key }: Artifact) => key;
  const writeFiles = async (files: readonly NodeFile[]) => {
    written.push(files);
    return [];
  };
  await provisionNode({ provide, writeFiles }, plan, artifacts);
  return JSON.stringify({ written, images: images.map(({ key }) => key) });
}

/** Makes a bare node into the node of the plan, up to but without the start of containerd. */
export async function provisionNode(
  node: Pick<LabNode, 'provide' | 'writeFiles'>,
  plan: NodePlan,
  artifacts: NodeArtifacts,
): Promise<void> {
  await Promise.all([
    installPrograms(node, artifacts.containerd),
    installPrograms(node, artifacts.runc),
    installPrograms(node, artifacts.crictl),
    installPlugins(node, artifacts.plugins),
    node.writeFiles([
      {
        nodePath: '/etc/containerd/config.toml',
        content: containerdConfig(plan.containerd.version, plan.containerdConfig),
      },
      { nodePath: '/etc/crictl.yaml', content: CRICTL_CONFIG },
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

/** Puts image archives into containerd, as no registry can be asked. */
export async function importImages(node: LabNode, images: readonly Artifact[]): Promise<void> {
  for (const image of images) {
    const folder = await node.provide(image);
    for (const { path } of image.files) {
      const result = await node.exec(
        ['ctr', '--namespace', 'k8s.io', 'images', 'import', `${folder}/${path}`],
        { timeoutMs: 60_000 },
      );
      if (result.exitCode !== 0) {
        throw new LabError(`the image ${path} was not imported on ${node.name}: ${result.stderr.trim()}`);
      }
    }
  }
}
