import type { Artifact } from '../artifacts/artifact.ts';
import type { CleanupStack } from '../core/lab-error.ts';
import type { Clock } from '../core/ports.ts';
import { LabError } from '../core/lab-error.ts';
import type { Recorded } from '../core/recorded.ts';
import type { Runtime } from '../core/runtime.ts';
import type { NodePlan } from '../plan/plan.ts';
import { runtimeOn, type NodeRuntime, type RuntimeEnd, StartFailed } from './node-runtime.ts';
import type { NodeMaker, RunningNode, RuntimeStarter } from './node.ts';
import {
  announceImages,
  importImages,
  preparationOf,
  provisionNode,
  type NodeArtifacts,
  unpackImageStore,
} from './provision.ts';

/** Everything that a node is made from. All of it is already in the cache. */
export interface NodeParts extends NodeArtifacts {
  /** the sandbox image, and the app image if containers are used */
  readonly images: readonly Artifact[];
  /** archives of images of the user */
  readonly ownImages?: readonly Artifact[];
  /**
   * the result of importing the same images, for a runtime with the default configuration of the lab: image-store.ts
   */
  readonly imageStore?: Artifact;
  /** the lab's own programs for nodes, if the plan records plugin calls */
  readonly recorder?: Artifact;
  /** what steps bring to the node later: other plugins, another runtime */
  readonly later: readonly Artifact[];
}

export interface BringUpOptions {
  readonly maker: Pick<NodeMaker, 'start'>;
  readonly name: string;
  readonly plan: NodePlan;
  /** the runtime in the plan */
  readonly runtime: Runtime;
  readonly parts: NodeParts;
  readonly clock: Clock;
  /** gets a clean-up that ends the node, before the node exists */
  readonly cleanup: CleanupStack;
  readonly onRuntimeEnd: (end: RuntimeEnd) => void;
  /** called with each record, if the plan records plugin calls */
  readonly onRecorded?: (record: Recorded) => void;
  /**
   * ends the node immediately, at any time; everything that waits for the node then fails with the reason of the signal
   */
  readonly signal: AbortSignal;
}

export interface ReadyNode {
  readonly node: RunningNode;
  readonly runtime: NodeRuntime;
  /** time until the node runs commands */
  readonly nodeMs: number;
  /** time from then until the runtime answers */
  readonly runtimeMs: number;
  readonly runtimeVersion: string;
  /** the runtime did not start; a later start, perhaps with other files, imports the images too */
  readonly startFailed?: StartFailed;
  /** if the node itself started it, the runtime and its log may be older than the run */
  readonly runtimeStartedBy?: RuntimeStarter;
}

/**
 * A fresh node for this plan. Its runtime answers and has the images, or the result has the reason why not. Throws
 * LabError.
 */
export async function bringUpNode(options: BringUpOptions): Promise<ReadyNode> {
  const { maker, name, plan, runtime: kind, parts, clock, cleanup, onRuntimeEnd, signal } = options;
  const node = await maker.start({
    name,
    artifacts: artifactsFor(parts),
    ...(plan.limits === undefined ? {} : { limits: plan.limits }),
    ...(plan.systemCalls === undefined ? {} : { systemCalls: plan.systemCalls }),
    preparation: () => preparationOf({ plan, runtime: kind }, parts),
  });
  cleanup.add(`end node ${name}`, () => node.end());
  const endNode = () => void node.end();
  const letGo = () => signal.removeEventListener('abort', endNode);
  signal.addEventListener('abort', endNode);
  cleanup.add('stop listening', letGo);
  signal.throwIfAborted();
  const startedMs = clock.now();
  await node.useRuntime(kind.traits);
  if (plan.record === true) await startRecording(node, options);
  const runtime = runtimeOn(node, { kind, clock, onEnd: onRuntimeEnd });
  const { runtimeStartedBy = 'lab' } = node;
  const started =
    runtimeStartedBy === 'node'
      ? { runtime, ...(await runtime.adopt()), answeredMs: clock.now() }
      : await prepare(node, runtime, options);
  return {
    node: { ...node, keep: () => node.keep().then(letGo) },
    runtime: started.runtime,
    nodeMs: node.startMs,
    runtimeMs: started.answeredMs - startedMs,
    runtimeVersion: started.runtimeVersion,
    ...(runtimeStartedBy === 'node' && { runtimeStartedBy }),
    ...('startFailed' in started && { startFailed: started.startFailed }),
  };
}

/** Called before anything is put on the node, so that no plugin call is missed. */
async function startRecording(node: RunningNode, { parts, onRecorded = () => undefined }: BringUpOptions) {
  if (parts.recorder === undefined) throw new LabError('what records plugin calls was not brought');
  await node.record(parts.recorder, onRecorded);
}

async function prepare(node: RunningNode, plain: NodeRuntime, { plan, parts, clock }: BringUpOptions) {
  const { kind } = plain;
  const ownImages = parts.ownImages ?? [];
  const [unpacked] = await Promise.all([
    parts.imageStore === undefined ? false : unpackImageStore(node, kind, parts.imageStore),
    provisionNode(node, { plan, runtime: kind }, parts),
    announceImages(node, kind, ownImages),
  ]);
  // an import that itself waits for the runtime can start now; one that fails is run again later
  let brought: Promise<boolean> = unpacked
    ? Promise.resolve(true)
    : importImages(node, kind, parts.images).then(
        () => true,
        () => false,
      );
  let ownBrought = false;
  let answeredMs = 0;
  const runtime: NodeRuntime = {
    ...plain,
    async start() {
      const ready = await plain.start();
      answeredMs = clock.now();
      if (!(await brought)) await importImages(node, kind, parts.images);
      brought = Promise.resolve(true);
      if (!ownBrought) await importImages(node, kind, ownImages);
      ownBrought = true;
      return ready;
    },
  };
  try {
    const { runtimeVersion } = await runtime.start();
    await node.savePrepared?.();
    return { runtime, runtimeVersion, answeredMs };
  } catch (thrown) {
    if (!(thrown instanceof StartFailed)) throw thrown;
    return { runtime, runtimeVersion: '', answeredMs: clock.now(), startFailed: thrown };
  }
}

/** Everything that is brought to a node, also later. */
export const artifactsFor = (parts: NodeParts): readonly Artifact[] => [
  ...artifactsOf(parts),
  ...parts.later,
  ...(parts.recorder === undefined ? [] : [parts.recorder]),
];

/** Everything that is on a node at its start. */
export function artifactsOf({
  plugins,
  images,
  ownImages = [],
  imageStore,
  later: _,
  recorder: _recorder,
  ...programs
}: NodeParts): readonly Artifact[] {
  return [
    ...Object.values(programs),
    ...(plugins.set === undefined ? [] : [plugins.set]),
    ...plugins.overrides.map(({ from }) => from),
    ...(plugins.fakes ?? []).map(({ plugin, program }) => ({
      ...program,
      name: plugin,
      source: 'fake' as const,
    })),
    ...images,
    ...ownImages,
    ...(imageStore === undefined ? [] : [imageStore]),
  ];
}
