import type { Artifact } from '../artifacts/artifact.ts';
import type { CleanupStack } from '../core/cleanup-stack.ts';
import type { Clock } from '../core/ports.ts';
import type { NodePlan } from '../plan/plan.ts';
import { containerdOn, type Containerd, type ContainerdEnd } from './containerd.ts';
import type { NodeMaker, RunningNode } from './node.ts';
import { unpackImageStore } from './image-store.ts';
import { StartFailed } from './start-failed.ts';
import { importImages, preparationOf, provisionNode, type NodeArtifacts } from './provision.ts';

/** All that a node is made from, each already in the cache. */
export interface NodeParts extends NodeArtifacts {
  /** the sandbox image, and the app image where containers are wanted */
  readonly images: readonly Artifact[];
  /** the same images as an import of them leaves them, for a containerd with the lab's own configuration: image-store.ts */
  readonly imageStore?: Artifact;
  /** what steps bring to it later: other plugins, another containerd */
  readonly later: readonly Artifact[];
}

export interface BringUpOptions {
  readonly maker: Pick<NodeMaker, 'start'>;
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
  /** containerd did not start; a later start of it, on other files perhaps, brings the images too */
  readonly startFailed?: StartFailed;
  /** from a node that was saved with all this done: containerd, and so its log, are older than the node */
  readonly resumed?: boolean;
}

/** A fresh node of this plan with containerd answering and the images in it, or with the reason why not. Throws LabError. */
export async function bringUpNode(options: BringUpOptions): Promise<ReadyNode> {
  const { maker, name, plan, parts, clock, cleanup, onContainerdEnd, signal } = options;
  const node = await maker.start({
    name,
    artifacts: [...artifactsOf(parts), ...parts.later],
    ...(plan.limits === undefined ? {} : { limits: plan.limits }),
    ...(plan.systemCalls === undefined ? {} : { systemCalls: plan.systemCalls }),
    preparation: () => preparationOf(plan, parts),
  });
  cleanup.add(`end node ${name}`, () => node.end());
  const endNode = () => void node.end();
  const letGo = () => signal.removeEventListener('abort', endNode);
  signal.addEventListener('abort', endNode);
  cleanup.add('stop listening', letGo);
  signal.throwIfAborted();
  const startedMs = clock.now();
  const containerd = containerdOn(node, { clock, onEnd: onContainerdEnd });
  const started = node.resumed
    ? { containerd, ...(await containerd.adopt()), answeredMs: clock.now() }
    : await prepare(node, containerd, options);
  return {
    node: { ...node, keep: () => node.keep().then(letGo) },
    containerd: started.containerd,
    nodeMs: node.startMs,
    containerdMs: started.answeredMs - startedMs,
    runtimeVersion: started.runtimeVersion,
    ...(node.resumed && { resumed: true }),
    ...('startFailed' in started && { startFailed: started.startFailed }),
  };
}

async function prepare(node: RunningNode, plain: Containerd, { plan, parts, clock }: BringUpOptions) {
  const [unpacked] = await Promise.all([
    parts.imageStore === undefined ? false : unpackImageStore(node, parts.imageStore),
    provisionNode(node, plan, parts),
  ]);
  // ctr of containerd 1.x waits for the socket, so it need not wait for us; that of 2.x gives up and is asked again
  let brought: Promise<boolean> = unpacked
    ? Promise.resolve(true)
    : importImages(node, parts.images).then(
        () => true,
        () => false,
      );
  let answeredMs = 0;
  const containerd: Containerd = {
    ...plain,
    async start() {
      const ready = await plain.start();
      answeredMs = clock.now();
      if (!(await brought)) await importImages(node, parts.images);
      brought = Promise.resolve(true);
      return ready;
    },
  };
  try {
    const { runtimeVersion } = await containerd.start();
    await node.savePrepared?.();
    return { containerd, runtimeVersion, answeredMs };
  } catch (thrown) {
    if (!(thrown instanceof StartFailed)) throw thrown;
    return { containerd, runtimeVersion: '', answeredMs: clock.now(), startFailed: thrown };
  }
}

/** Everything that is on a node at its start. */
export function artifactsOf({
  plugins,
  images,
  imageStore,
  later: _,
  ...programs
}: NodeParts): readonly Artifact[] {
  return [
    ...Object.values(programs),
    ...(plugins.set === undefined ? [] : [plugins.set]),
    ...plugins.overrides.map(({ from }) => from),
    ...images,
    ...(imageStore === undefined ? [] : [imageStore]),
  ];
}
