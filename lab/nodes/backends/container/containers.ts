import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { PassThrough, type Readable } from 'node:stream';

import type { ContainerInfo } from 'dockerode';

import { msSince } from '../../../host/machine.ts';
import { type Engine, isGone, refusalOf } from './engine.ts';
import {
  hasEnded,
  KIND_LABEL,
  isKindContainerName,
  keptName,
  LABELS,
  nodeInKindContainer,
  type EngineBackend,
  type Moment,
  type Owner,
  parseOwner,
} from './spec.ts';

/** A container of the lab, from the list of an engine. */
export interface LabContainer {
  readonly id: string;
  /** name of the node; undefined if it is not a node */
  readonly node: string | undefined;
  /** the group whose network it holds; undefined for a node and for an upload */
  readonly segment: string | undefined;
  /** for a node in a group: the id of the container that holds the network */
  readonly inSegment: string | undefined;
  readonly running: boolean;
  readonly kept: boolean;
  readonly owner: Owner | undefined;
  readonly created: Moment;
}

/** Those that this backend has made, and those that kind has made for it. */
export async function listContainers(
  engine: Engine,
  backend: EngineBackend,
): Promise<readonly LabContainer[]> {
  const label = [LABELS.owner, `${LABELS.backend}=${backend}`];
  const [listed, networks] = await Promise.all([
    engine.docker.listContainers({ all: true, filters: { label } }),
    backend === 'kind' ? listClusters(engine) : [],
  ]);
  const inClusters = await Promise.all(
    networks.map(async ({ name, labels }) =>
      (await listOfCluster(engine, name)).map((one) =>
        readContainer({
          ...one,
          Labels: { ...labels, [LABELS.node]: nodeInKindContainer(one.Names[0]?.slice(1) ?? '') },
        }),
      ),
    ),
  );
  return [...listed.map(readContainer), ...inClusters.flat()];
}

/** A network that the lab has made for a cluster of kind. */
export interface ClusterNetwork {
  readonly id: string;
  /** also that of the cluster */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export async function listClusters({ docker }: Engine): Promise<readonly ClusterNetwork[]> {
  const listed = await docker.listNetworks({ filters: { label: [LABELS.cluster, LABELS.owner] } });
  return listed.map(({ Id, Name, Labels }) => ({ id: Id, name: Name, labels: Labels ?? {} }));
}

/** The containers that kind has made for a cluster. */
export const listOfCluster = ({ docker }: Engine, name: string): Promise<readonly ContainerInfo[]> =>
  docker.listContainers({ all: true, filters: { label: [`${KIND_LABEL}=${name}`] } });

/**
 * Removes the containers, the volumes and the network of a cluster of kind. On Docker, volumes end with their containers.
 * On Podman, kind makes a volume for a container before it, and the key of its label is the name of the container.
 */
export async function removeCluster(engine: Engine, name: string): Promise<void> {
  const { docker } = engine;
  for (const { Id } of await listOfCluster(engine, name)) await removeContainer(engine, Id);
  const { Volumes } = await docker.listVolumes();
  for (const { Name, Labels } of Volumes)
    if (Object.keys(Labels ?? {}).some((label) => isKindContainerName(label, name)))
      await untilGone(() => docker.getVolume(Name).remove({ force: true }));
  await untilGone(() => docker.getNetwork(name).remove());
}

/** Whether the lab that made it was killed. */
export async function isLeftCluster({ labels }: ClusterNetwork): Promise<boolean> {
  const owner = parseOwner(labels[LABELS.owner] ?? '');
  return owner !== undefined && (await hasEnded(owner)) === true;
}

export function readContainer({ Id, Names, State, Labels, Created }: ContainerInfo): LabContainer {
  const node = Labels[LABELS.node];
  return {
    id: Id,
    node,
    segment: Labels[LABELS.segment],
    inSegment: Labels[LABELS.inSegment],
    running: State === 'running',
    kept: node !== undefined && Names.includes(`/${keptName(node)}`),
    owner: parseOwner(Labels[LABELS.owner] ?? ''),
    created: {
      ms: Number(Labels[LABELS.createdMs] ?? Created * 1000),
      ticks: numberIn(Labels[LABELS.createdTicks]),
    },
  };
}

const numberIn = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

/**
 * If the container is from this machine, its age since boot. Otherwise it is computed from the time of day on both
 * machines, which may differ.
 */
export async function ageOf({ owner, created }: LabContainer, nowMs: number): Promise<number | undefined> {
  if (owner?.host === hostname() && created.ticks !== undefined) return msSince(created.ticks);
  return nowMs < created.ms ? undefined : nowMs - created.ms;
}

/** How long a lab on another machine may take between creating a container and starting it. */
const START_WITHIN_MS = 10 * 60_000;

/** Whether a container was left by a lab that was killed. False if it is kept, or if its lab may still need it. */
export async function isLeft(
  { kept, owner, running, created }: LabContainer,
  nowMs: number,
): Promise<boolean> {
  if (kept) return false;
  const ended = owner === undefined ? undefined : await hasEnded(owner);
  return ended ?? (!running && nowMs - created.ms > START_WITHIN_MS);
}

/** Removes the network of a group if no node is in it. An engine may refuse to remove it while it has nodes. */
export async function removeUnusedSegment(
  engine: Engine,
  { id, backend }: { readonly id: string; readonly backend: EngineBackend },
): Promise<void> {
  const isUsed = (await listContainers(engine, backend)).some(({ inSegment }) => inSegment === id);
  if (!isUsed) await removeContainer(engine, id);
}

const GONE_WITHIN_MS = 10_000;

/**
 * Removes a container and returns when it is gone. While an engine is already removing it, it refuses for a while, with
 * varying messages.
 */
export async function removeContainer({ docker }: Engine, id: string): Promise<void> {
  const container = docker.getContainer(id);
  await untilGone(() => container.remove({ force: true, v: true }));
}

async function untilGone(remove: () => Promise<unknown>): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 25) {
    try {
      await remove();
      return;
    } catch (thrown) {
      if (isGone(thrown)) return;
      if (refusalOf(thrown).status === undefined || waitedMs > GONE_WITHIN_MS) throw thrown;
      await sleep(25);
    }
  }
}

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Splits the single stream of an engine into the two outputs of a container. A frame has one byte for the kind, three
 * unused bytes and four bytes for the length.
 * https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
 */
export function demux(stream: Readable): { readonly stdout: Readable; readonly stderr: Readable } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let header = Buffer.alloc(0);
  let left = 0;
  let to = stdout;
  stream.on('data', (chunk: Buffer) => {
    for (let rest = chunk; rest.length > 0;) {
      if (left === 0) {
        const taken = rest.subarray(0, HEADER_BYTES - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < HEADER_BYTES) break;
        to = header[0] === STDERR ? stderr : stdout;
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      } else {
        const taken = rest.subarray(0, left);
        to.write(taken);
        left -= taken.length;
        rest = rest.subarray(taken.length);
      }
    }
  });
  const end = () => {
    stdout.end();
    stderr.end();
  };
  stream.once('end', end).once('close', end);
  stream.on('error', end); // the engine is asked why it broke
  return { stdout, stderr };
}
