import { setTimeout as sleep } from 'node:timers/promises';

import type { ContainerInfo } from 'dockerode';

import type { Engine } from './engine.ts';
import { isGone, refusalOf } from './engine-words.ts';
import { hasEnded, parseOwner, type Owner } from './owner.ts';
import { keptName, LABELS } from './spec.ts';

/** A container of the lab, as an engine lists it. */
export interface LabContainer {
  readonly id: string;
  /** of the node; undefined for an upload */
  readonly node: string | undefined;
  readonly running: boolean;
  readonly kept: boolean;
  readonly owner: Owner | undefined;
  readonly createdMs: number;
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
    running: State === 'running',
    kept: node !== undefined && Names.includes(`/${keptName(node)}`),
    owner: parseOwner(Labels[LABELS.owner] ?? ''),
    createdMs: Number(Labels[LABELS.createdMs] ?? Created * 1000),
  };
}

/** How long a lab on another machine may take from making a container to starting it. */
const START_WITHIN_MS = 10 * 60_000;

/** Whether a container was left by a lab that was killed. Never one that is kept, or whose lab may still want it. */
export async function isLeft(
  { kept, owner, running, createdMs }: LabContainer,
  nowMs: number,
): Promise<boolean> {
  if (kept) return false;
  const ended = owner === undefined ? undefined : await hasEnded(owner);
  return ended ?? (!running && nowMs - createdMs > START_WITHIN_MS);
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
