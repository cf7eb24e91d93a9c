import { existsSync, readFileSync } from 'node:fs';

import type { Artifact } from '../../artifacts/artifact.ts';
import { LabError, once } from '../../core/lab-error.ts';
import type { Clock } from '../../core/ports.ts';
import { ticksNow } from '../../host/machine.ts';
import { beginAhead, type NodeBeginning } from '../ahead.ts';
import { memberNamed, membersOf } from '../group.ts';
import {
  hostLimits,
  type Backend,
  type BackendCheck,
  type NodeMaker,
  type PrepareOptions,
  type RunningNode,
} from '../node.ts';
import { findAddress } from './container/address.ts';
import {
  judgeFacts,
  NO_ENGINE,
  readFacts,
  refuseUnreachable,
  type EngineFacts,
  type Refusal,
} from './container/check.ts';
import {
  ageOf,
  isLeft,
  isLeftCluster,
  listClusters,
  listContainers,
  removeCluster,
  removeContainer,
  removeUnusedSegment,
  type LabContainer,
} from './container/containers.ts';
import { enterContainer } from './container/enter.ts';
import { connectTo, type Engine, engineError, isGone } from './container/engine.ts';
import {
  cannotBePrivileged,
  startContainerNode,
  startSegmentContainer,
  type ContainerNodeOptions,
} from './container/node.ts';
import { startKindCluster } from './container/kind-cluster.ts';
import { whyNoClusters } from './container/kind-command.ts';
import { findReaperImage, startReaper, type Reaper } from './container/reaper.ts';
import { ensureNodeImage, removeNodeImages, type NodeImage } from './container/node-image.ts';
import { artifactVolume } from './container/volume.ts';
import {
  VOLUME,
  type EngineBackend,
  type InGroup,
  type Moment,
  type Powers,
  isOf,
  thisLab,
} from './container/spec.ts';

export interface ContainerBackendOptions {
  /** `kind`: nodes with systemd, from an image like that of kind */
  readonly name: EngineBackend;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly uid: number | undefined;
  /** images/node or images/kind-node of this package */
  readonly imageHostPath: string;
  /** base image for the node image, if the user specified one; for `kind`, also an image of kind */
  readonly base: string | undefined;
  /** the bundle of container/reaper-thread.ts */
  readonly reaperThreadHostPath: string;
  readonly randomId: () => string;
  /** separates its own nodes from those of others who use the same engine */
  readonly stateHostPath: string;
  readonly clock: Clock;
}

/**
 * Nodes as privileged containers of any engine with the Docker API, local or remote. There are two kinds of them, which
 * differ in their image and in what their first process becomes.
 */
export function containerBackend(options: ContainerBackendOptions): Backend {
  const { name, clock, stateHostPath } = options;
  const nowMs = () => clock.date().getTime();
  const find = once(() => findEngine(options));

  /** The engine, for actions after a check, or without one. Throws LabError if none answers. */
  async function use(): Promise<AnsweringEngine> {
    const found = await find();
    if (found.engine === undefined) throw new LabError(found.check.why);
    return found;
  }

  async function ask<T>(doing: string, question: (engine: Engine) => Promise<T>): Promise<T> {
    const { engine: asked } = await use();
    return question(asked).catch((thrown: unknown) =>
      Promise.reject(engineError(doing, { address: asked.address, thrown })),
    );
  }

  /** Whether there is an engine that can have nodes. Throws LabError if it does not answer. */
  async function works(): Promise<boolean> {
    const { check } = await find();
    if (!check.works && 'silent' in check) throw new LabError(check.why);
    return check.works;
  }

  async function running(): Promise<readonly (LabContainer & { readonly node: string })[]> {
    if (!(await works())) return [];
    const all = await ask('listing nodes', (found) => listContainers(found, name));
    return all.flatMap((one) => (one.running && one.node !== undefined ? [{ ...one, node: one.node }] : []));
  }

  async function nodeNamed(wanted: string): Promise<LabContainer> {
    const found = (await running()).find(({ node }) => node === wanted);
    if (found === undefined) throw new LabError(`there is no node named ${wanted}`);
    return found;
  }

  return {
    name,
    jobsPerCore: 2, // 47 runs on two cores: 38.3 s with two at a time, 28.8 s with four, 29.5 s with six
    inotifyPerClusterNode: name === 'kind' ? 21 : 14, // systemd and static pods need some too
    check: async () => (await find()).check,
    async prepare(prepare) {
      return makeNodes(await use(), { ...options, prepare });
    },
    async sweep() {
      if (!(await works())) return [];
      return ask('looking for what killed labs left', async (found) => {
        const lines: string[] = [];
        const all = await listContainers(found, name);
        // nodes first: an engine may refuse to remove a network before them; the network of a kept node stays
        for (const one of all.filter(({ segment }) => segment === undefined)) {
          if (await isLeft(one, nowMs())) lines.push(await removeLeft(found, one));
        }
        const used = new Set((await listContainers(found, name)).map(({ inSegment }) => inSegment));
        for (const one of all.filter(({ segment, id }) => segment !== undefined && !used.has(id))) {
          if (await isLeft(one, nowMs())) lines.push(await removeLeft(found, one));
        }
        for (const cluster of name === 'kind' ? await listClusters(found) : []) {
          if (!(await isLeftCluster(cluster))) continue;
          await removeCluster(found, cluster.name);
          lines.push(`removed what was left of the cluster ${cluster.name}`);
        }
        return lines;
      });
    },
    async clear() {
      if (!(await works())) return [];
      return ask('clearing the container engine', (found) => clearEngine(found, name));
    },
    nodes: async () =>
      Promise.all(
        (await running()).map(async (one) => ({
          name: one.node,
          kept: one.kept,
          ageMs: await ageOf(one, nowMs()),
          ...(isOf(one.owner, stateHostPath) ? {} : { elsewhere: true as const }),
        })),
      ),
    async down(node) {
      const { id, inSegment } = await nodeNamed(node);
      await ask(`ending node ${node}`, async (found) => {
        await removeContainer(found, id);
        if (inSegment !== undefined) await removeUnusedSegment(found, { id: inSegment, backend: name });
      });
    },
    async enter(node, argv, terminal) {
      const { id } = await nodeNamed(node);
      return enterContainer((await use()).engine, { id, argv, terminal });
    },
  };
}

interface AnsweringEngine {
  readonly check: BackendCheck;
  readonly engine: Engine;
  readonly facts: EngineFacts;
  /** the reaper image of testcontainers, if the engine has it */
  readonly reaperImage: string | undefined;
}

interface NoEngine {
  readonly check: Refusal;
  readonly engine?: undefined;
}

async function findEngine({
  name,
  env,
  platform,
  uid,
}: ContainerBackendOptions): Promise<AnsweringEngine | NoEngine> {
  const address = findAddress({ env, platform, uid, exists: existsSync, readFile: readIfThere });
  if (address === undefined) return { check: NO_ENGINE };
  let engine: Engine;
  try {
    engine = await connectTo(address);
    const [facts, reaperImage] = await Promise.all([
      readFacts(engine),
      findReaperImage(engine, { env, readFile: readIfThere }),
    ]);
    const check = judgeFacts(address, facts);
    if (!check.works) return { check, engine, facts, reaperImage };
    const how = reaperImage === undefined ? check.how : `${check.how}, reaper ${reaperImage}`;
    const noClusters = name === 'kind' ? whyNoClusters(address, facts, env['PATH']) : undefined;
    return {
      check: { ...check, how, ...(noClusters !== undefined && { noClusters }) },
      ...{ engine, facts, reaperImage },
    };
  } catch (thrown) {
    return { check: refuseUnreachable(address, thrown) };
  }
}

/** Removes the images of nodes and the volume with the artifacts. */
async function clearEngine(engine: Engine, backend: EngineBackend): Promise<readonly string[]> {
  const images = await removeNodeImages(engine, backend);
  const volume = await engine.docker
    .getVolume(VOLUME)
    .remove()
    .then(
      () => [VOLUME],
      (thrown: unknown) => (isGone(thrown) ? [] : Promise.reject(thrown as Error)),
    );
  return [...images, ...volume].map((name) => `${name} is removed from the container engine`);
}

/** Removes a container. An interrupted upload removes its incomplete files when its container is started. */
async function removeLeft(engine: Engine, { id, node, segment }: LabContainer): Promise<string> {
  if (node === undefined && segment === undefined) {
    const container = engine.docker.getContainer(id);
    await container.start();
    await container.wait();
  }
  await removeContainer(engine, id);
  if (node !== undefined) return `removed what was left of node ${node}`;
  return segment === undefined
    ? 'removed what was left of an upload to the container engine'
    : `removed what was left of the network ${segment}`;
}

async function makeNodes(
  { engine, facts, reaperImage }: AnsweringEngine,
  options: ContainerBackendOptions & { readonly prepare: PrepareOptions },
): Promise<NodeMaker> {
  const { name: backend, imageHostPath, base, env, reaperThreadHostPath: threadHostPath, randomId } = options;
  const { own, progress, notice, signal, mayBeKept, first } = options.prepare;
  let started: Promise<Reaper | undefined> | undefined;
  const reaper = async () =>
    reaperImage !== undefined && !mayBeKept
      ? (started ??= startReaper({ engine, env, exists: existsSync, threadHostPath }))
      : undefined;
  if (first !== undefined) void reaper();
  const nodeTools = await own('node-tools');
  const what = 'node image';
  const image = await ensureNodeImage({
    engine,
    backend,
    sourceHostPath: imageHostPath,
    ownBase: base,
    nodeTools,
    own,
    say: (how) => progress({ what, how, done: false }),
    signal,
  });
  progress({ what, how: 'ready', done: true });
  const owner = await thisLab(options.stateHostPath);
  const now = async (): Promise<Moment> => ({
    ms: options.clock.date().getTime(),
    ticks: await ticksNow(),
  });
  const volume = artifactVolume({ backend, engine, image: image.ref, owner, randomId, now });
  let powers: Powers = 'privileged';

  /** Uses as many privileges as the engine can give. The first container shows which ones. */
  async function withPowers<T>(what: string, make: (common: ContainerCommon) => Promise<T>): Promise<T> {
    const reaperLabels = (await reaper())?.labels ?? {};
    const start = async () =>
      make({ backend, engine, image: image.ref, owner, now: await now(), powers, reaperLabels, signal });
    try {
      return await start().catch((thrown: unknown) => {
        if (!cannotBePrivileged(thrown)) throw thrown;
        if (powers === 'privileged') notice(WITHOUT_PRIVILEGED);
        powers = 'capabilities';
        return start();
      });
    } catch (thrown) {
      throw engineError(`${what} did not start`, { address: engine.address, thrown });
    }
  }

  const begin = ({ name, limits, systemCalls }: NodeBeginning, inGroup?: InGroup) =>
    withPowers(`node ${name}`, (common) =>
      startContainerNode({
        ...{ ...common, name, volume, inGroup },
        limits: hostLimits(limits, facts.memoryBytes),
        systemCalls: systemCalls ?? 'filtered',
      }),
    );

  async function withArtifacts(node: RunningNode, artifacts: readonly Artifact[]): Promise<RunningNode> {
    try {
      await volume.ensure(artifacts);
      return node;
    } catch (thrown) {
      await node.end().catch(() => undefined); // only the reason why it cannot be used matters
      throw thrown;
    }
  }

  const ahead = beginAhead(first, (node) => begin(node));
  return {
    artifacts: [nodeTools, artifactOf(image)],
    async start(options) {
      return withArtifacts(await ahead.take(options), options.artifacts);
    },
    async group(nodes) {
      const members = membersOf(nodes);
      const name = nodes[0]?.name ?? '';
      const segment = await withPowers(`the network of ${name}`, (common) =>
        startSegmentContainer({ ...common, name }),
      );
      let isClosed = false;
      return {
        async start(options) {
          const inGroup = { holderId: segment.id, member: memberNamed(members, options.name) };
          const node = await withArtifacts(await begin(options, inGroup), options.artifacts);
          const end = () => node.end().then(() => (isClosed ? segment.close() : undefined));
          return { ...node, end };
        },
        close() {
          isClosed = true;
          return segment.close();
        },
      };
    },
    ...(backend === 'kind' && {
      async kindCluster(nodes, cluster) {
        try {
          // a single node shows what the volume has; that of this name may have been started ahead
          if (!volume.isKnown) await (await ahead.take({ name: cluster.name })).end();
          await volume.ensure(cluster.artifacts);
          return await startKindCluster(nodes, {
            ...{ ...cluster, engine, facts, backend, image: image.ref, owner, now: await now(), env, volume },
          });
        } catch (thrown) {
          throw engineError(`the cluster ${cluster.name} did not start`, { address: engine.address, thrown });
        }
      },
    }),
    async end() {
      await ahead.end();
      await (await started)?.end();
    },
  };
}

type ContainerCommon = Omit<ContainerNodeOptions, 'name' | 'limits' | 'systemCalls' | 'volume' | 'inGroup'>;

const WITHOUT_PRIVILEGED =
  'this container engine cannot give every capability, so nodes have a list of them in place of --privileged';

/** For the journal: the image is not in the artifact cache, but the lab built it. */
const artifactOf = ({ ref, id, madeFrom }: NodeImage): Artifact => ({
  name: 'node-image',
  version: ref.slice(ref.lastIndexOf(':') + 1),
  source: 'own',
  key: id.replace('sha256:', ''),
  hostPath: '',
  files: [],
  madeBy: `made from ${madeFrom} in the container engine`,
});

function readIfThere(hostPath: string): string | undefined {
  try {
    return readFileSync(hostPath, 'utf8');
  } catch {
    return undefined;
  }
}
