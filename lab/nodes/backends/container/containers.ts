import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { PassThrough, type Readable } from 'node:stream';

import type { ContainerInfo } from 'dockerode';

import { msSince } from '../../../host/machine.ts';
import { type Engine, isGone, refusalOf } from './engine.ts';
import { hasEnded, keptName, LABELS, type Moment, type Owner, parseOwner } from './spec.ts';

/** A container of the lab, as an engine lists it. */
export interface LabContainer {
  readonly id: string;
  /** of the node; undefined for what is none */
  readonly node: string | undefined;
  /** of the group whose network it has; undefined for a node and for an upload */
  readonly segment: string | undefined;
  /** the id of that container, of a node in a group */
  readonly inSegment: string | undefined;
  readonly running: boolean;
  readonly kept: boolean;
  readonly owner: Owner | undefined;
  readonly created: Moment;
}

export async function listContainers({ docker }: Engine): Promise<readonly LabContainer[]> {
  const listed = await docker.listContainers({ all: true, filters: { label: [LABELS.owner] } });
  return listed.map(readContainer);
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

/** By this machine's own boot if it is from here; else by both machines' time of day, which may not agree. */
export async function ageOf({ owner, created }: LabContainer, nowMs: number): Promise<number | undefined> {
  if (owner?.host === hostname() && created.ticks !== undefined) return msSince(created.ticks);
  return nowMs < created.ms ? undefined : nowMs - created.ms;
}

/** How long a lab on another machine may take from making a container to starting it. */
const START_WITHIN_MS = 10 * 60_000;

/** Whether a container was left by a lab that was killed. Never one that is kept, or whose lab may still want it. */
export async function isLeft(
  { kept, owner, running, created }: LabContainer,
  nowMs: number,
): Promise<boolean> {
  if (kept) return false;
  const ended = owner === undefined ? undefined : await hasEnded(owner);
  return ended ?? (!running && nowMs - created.ms > START_WITHIN_MS);
}

/** Removes a group's network when no node is in it: an engine may keep it for as long as there is one. */
export async function removeUnusedSegment(engine: Engine, id: string): Promise<void> {
  const isUsed = (await listContainers(engine)).some(({ inSegment }) => inSegment === id);
  if (!isUsed) await removeContainer(engine, id);
}

const GONE_WITHIN_MS = 10_000;

/** Returns when it is gone. An engine that is ending it by itself at this moment refuses, in whatever words, for a while. */
export async function removeContainer({ docker }: Engine, id: string): Promise<void> {
  const container = docker.getContainer(id);
  for (let waitedMs = 0; ; waitedMs += 25) {
    try {
      await container.remove({ force: true, v: true });
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
 * A container's two outputs out of the one stream that engines send: frames of a byte for the kind, three for nothing and
 * four for the length. https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
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
  stream.on('error', end); // why it broke is asked of the engine
  return { stdout, stderr };
}
