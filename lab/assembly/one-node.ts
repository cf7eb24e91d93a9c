import type { Artifact } from '../artifacts/artifact.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { ComponentRef } from '../core/components.ts';
import { type CleanupStack, BadInput } from '../core/lab-error.ts';
import type { LabEvent } from '../events.ts';
import { bringUpNode, type BringUpOptions, type ReadyNode } from '../nodes/bring-up.ts';
import { dumpConfig } from '../nodes/node-runtime.ts';
import { nameValue } from '../plan/cells.ts';
import { nodeRuns, type NodePlan, type RunPlan } from '../plan/plan.ts';
import type { BackendName } from '../nodes/node.ts';
import { labImages, partsOf, refsOf } from './run-parts.ts';
import { prepareBackend } from './backends.ts';
import type { Scenario } from '../spec/scenario.ts';
import type { NodeFlags, World } from './world.ts';
import { chooseBackend } from './backends.ts';
import { openArtifacts, readPins } from './open-artifacts.ts';
import { planOf } from './plan-files.ts';
import { RUNTIMES } from './runtimes.ts';

export interface OneNodeOptions extends Pick<
  BringUpOptions,
  'name' | 'onRuntimeEnd' | 'onRecorded' | 'signal'
> {
  /** specifies the node; its steps are not executed */
  readonly scenario: Scenario;
  readonly flags: NodeFlags;
  /** whether containers will be created */
  readonly containers: boolean;
  readonly emit: (event: LabEvent) => void;
  /** gets clean-ups that end the node and everything that was created for it */
  readonly cleanup: CleanupStack;
}

export interface OneNode extends ReadyNode {
  readonly backend: BackendName;
  readonly artifacts: Artifacts;
  /** a component in the plan */
  readonly artifact: (ref: ComponentRef) => Artifact;
  /** whether the processor is emulated, so that everything is slow; see NodeMaker */
  readonly emulated: boolean;
  /** the parts of the requested configuration that this runtime ignores, for people */
  readonly unread?: string;
}

/** Starts a node that does not belong to a run, for manual use or for a test. Throws BadInput, LabError. */
export async function startOneNode(world: World, options: OneNodeOptions): Promise<OneNode> {
  const { scenario, flags, ...common } = options;
  const plan = await planOf(world, { scenarios: [scenario], flags, pins: readPins(world) });
  const [run, second] = plan.runs;
  if (run === undefined) throw new Error('a scenario has one cell at least');
  if (second !== undefined)
    throw new BadInput(
      `one node is of one cell; ${scenario.name} has ${plan.runs.length}: choose with ${Object.entries(
        run.cell,
      )
        .map(([axis, value]) => `--set ${axis}=${nameValue(value)}`)
        .join(' ')}`,
    );
  return startPlannedNode(world, { run, flags, ...common });
}

/** Starts the only node of a run, up to its first step. Throws BadInput, LabError. */
export async function startPlannedNode(
  world: World,
  options: Omit<OneNodeOptions, 'scenario'> & { readonly run: RunPlan },
): Promise<OneNode> {
  const { run, flags, name, containers, emit, cleanup, onRuntimeEnd, onRecorded, signal } = options;
  const { backend, arch } = await chooseBackend(world, flags);
  const artifacts = openArtifacts(world, { pins: readPins(world), flags, emit, arch });
  if ((await backend.nodes()).some((node) => node.name === name))
    throw new BadInput(`a node named ${name} is up already; \`cnilab down ${name}\` ends it`);

  const [own] = nodeRuns(run);
  if (own === undefined || run.nodes.length > 1)
    throw new BadInput(`${run.scenario.name} is about ${run.nodes.length} nodes, and this is for one`);
  const artifact = await artifacts.ensureAll(refsOf({ formatVersion: 3, runs: [run] }), signal);
  const { pause, app, ...others } = await labImages({ runs: [run], containers }, artifacts, signal);
  const maker = await prepareBackend(backend, { artifacts, emit, signal, mayBeKept: true, first: name });
  cleanup.add('nodes made ahead', () => maker.end());
  const ready = await bringUpNode({
    maker,
    name,
    plan: own.node,
    runtime: RUNTIMES[own.node.runtime.component],
    parts: {
      ...partsOf(own, { images: { pause, ...others }, artifact }),
      images: [pause, ...(app === undefined ? [] : [app])],
    },
    clock: world.clock,
    cleanup,
    onRuntimeEnd,
    ...(onRecorded === undefined ? {} : { onRecorded }),
    signal,
  });
  signal.throwIfAborted();
  if (ready.startFailed !== undefined) throw ready.startFailed;
  const unread = await unreadOn(ready, own.node);
  return {
    ...ready,
    backend: backend.name,
    artifacts,
    artifact,
    emulated: maker.emulated ?? false,
    ...(unread !== undefined && { unread }),
  };
}

async function unreadOn({ node, runtime: { kind } }: ReadyNode, plan: NodePlan): Promise<string | undefined> {
  const { runtimeConfig: config, runtime } = plan;
  if (Object.keys(config).length === 0) return undefined;
  const dump = await dumpConfig(node, kind);
  const log = await node.readFile(kind.logNodePath);
  const unread = kind.unreadConfig(config, { version: runtime.version, dump, log });
  return unread && [unread.message, ...unread.detail].join('\n');
}
