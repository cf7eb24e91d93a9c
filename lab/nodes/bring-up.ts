import type { Artifact } from '../artifacts/artifact.ts';
import type { CleanupStack } from '../core/cleanup-stack.ts';
import type { Clock } from '../core/ports.ts';
import type { NodePlan } from '../plan/plan.ts';
import { containerdOn, type Containerd, type ContainerdEnd } from './containerd.ts';
import type { NodeMaker, RunningNode } from './node.ts';
import { importImage, provisionNode, type NodeArtifacts } from './provision.ts';

/** All that a node is made from, each already in the cache. */
export interface NodeParts extends NodeArtifacts {
  /** the sandbox image, and the app image where containers are wanted */
  readonly images: readonly Artifact[];
  /** what steps bring to it later: other plugins, another containerd */
  readonly later: readonly Artifact[];
}

export interface BringUpOptions {
  readonly maker: NodeMaker;
  readonly name: string;
  readonly plan: NodePlan;
  readonly parts: NodeParts;
  readonly clock: Clock;
  /** gets the end of the node as an undo before the node is there */
  readonly cleanup: CleanupStack;
  readonly onContainerdEnd: (end: ContainerdEnd) => void;
  /** ends the node at once, now and for as long as it is there; whatever waits for it is then told so */
  readonly signal: AbortSignal;
}

export interface ReadyNode {
  readonly node: RunningNode;
  readonly containerd: Containerd;
  /** from nothing to a node that runs commands */
  readonly nodeMs: number;
  /** from there to a containerd that answers */
  readonly containerdMs: number;
  readonly runtimeVersion: string;
}

/** A fresh node of this plan with containerd answering and the images in it. Throws LabError. */
export async function bringUpNode(options: BringUpOptions): Promise<ReadyNode> {
  const { maker, name, plan, parts, clock, cleanup, onContainerdEnd, signal } = options;
  const startedMs = clock.now();
  const node = await maker.start({ name, artifacts: [...artifactsOf(parts), ...parts.later] });
  cleanup.add(`end node ${name}`, () => node.end());
  const endNode = () => void node.end();
  signal.addEventListener('abort', endNode);
  cleanup.add('stop listening', () => signal.removeEventListener('abort', endNode));
  signal.throwIfAborted();
  const nodeReadyMs = clock.now();

  await provisionNode(node, plan, parts);
  const containerd = containerdOn(node, { clock, onEnd: onContainerdEnd });
  const { runtimeVersion } = await containerd.start();
  const containerdReadyMs = clock.now();

  for (const image of parts.images) await importImage(node, image);
  return {
    node,
    containerd,
    nodeMs: nodeReadyMs - startedMs,
    containerdMs: containerdReadyMs - nodeReadyMs,
    runtimeVersion,
  };
}

/** Everything that is on a node at its start. */
export function artifactsOf({ plugins, images, later: _, ...programs }: NodeParts): readonly Artifact[] {
  return [
    ...Object.values(programs),
    ...(plugins.set === undefined ? [] : [plugins.set]),
    ...plugins.overrides.map(({ from }) => from),
    ...images,
  ];
}
