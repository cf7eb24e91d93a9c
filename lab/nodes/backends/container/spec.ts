import { hostname } from 'node:os';

import type { ContainerCreateOptions, HostConfig } from 'dockerode';

import type { NodeLimits, SystemCalls } from '../../../core/node-state.ts';
import { startTicks } from '../../../host/machine.ts';
import type { Member } from '../../group.ts';

/** With what a container may do what a node needs: everything, or, where an engine cannot give that, these alone. */
export type Powers = 'privileged' | 'capabilities';

/** What containers of the lab are known by. */
export const LABELS = {
  /** name of the node */
  node: 'cnilab.node',
  /** instead of that: an upload into the volume */
  upload: 'cnilab.upload',
  /** or the network of a group of nodes */
  segment: 'cnilab.segment',
  /** of a node in a group: the container with the network */
  inSegment: 'cnilab.in-segment',
  owner: 'cnilab.owner',
  createdMs: 'cnilab.created-ms',
  /** since the boot of the lab's machine, where that is known */
  createdTicks: 'cnilab.created-ticks',
} as const;

export const ARTIFACTS_NODE_PATH = '/lab/artifacts';
export const VOLUME = 'cnilab-artifacts';

/**
 * What Docker gives every container, what a node is made with, and what plugins and people use on it. Not
 * CAP_SYS_RESOURCE and its like, which an engine that is in a container itself may not have.
 */
export const CAPABILITIES = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['NET_RAW', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
  ...['DAC_READ_SEARCH', 'IPC_LOCK', 'NET_ADMIN', 'NET_BROADCAST', 'SYS_ADMIN', 'SYS_NICE', 'SYS_PTRACE'],
];

/** By two clocks: one that all machines have, and one that nobody sets. */
export interface Moment {
  readonly ms: number;
  readonly ticks: number | undefined;
}

export interface ContainerMaking {
  readonly name: string;
  readonly image: string;
  readonly owner: Owner;
  readonly now: Moment;
}

/** Labels of the lab's own reaper, if there is one: none where somebody may keep the node. */
export type ReaperLabels = Readonly<Record<string, string>>;

/** The container that is a node. Its first process makes the node within it, as it does in namespaces on a host. */
export function nodeContainer({
  name,
  image,
  owner,
  now,
  powers,
  reaperLabels,
  limits: { memoryBytes, processes, tmpfsBytes },
  systemCalls,
  inGroup,
}: ContainerMaking & {
  powers: Powers;
  reaperLabels: ReaperLabels;
  limits: Required<NodeLimits>;
  systemCalls: SystemCalls;
  inGroup?: InGroup | undefined;
}): ContainerCreateOptions {
  return {
    name: containerName(name),
    Image: image,
    // an engine names no container that starts in the network of another; the agent does
    ...(inGroup === undefined && { Hostname: name }),
    Entrypoint: ['/lab/bin/agent'],
    Cmd: [
      ...['init', '--name', name, '--artifacts', ARTIFACTS_NODE_PATH, '--staging', '/lab/root'],
      ...['--tmpfs-bytes', String(tmpfsBytes)],
      ...(systemCalls === 'unfiltered' ? ['--unfiltered'] : []),
      ...(inGroup === undefined ? [] : ['--member', JSON.stringify(inGroup.member)]),
    ],
    Labels: {
      ...ownedBy({ owner, now }),
      [LABELS.node]: name,
      ...(inGroup && { [LABELS.inSegment]: inGroup.holderId }),
      ...reaperLabels,
    },
    ...WITH_STREAMS,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: inGroup === undefined ? 'none' : `container:${inGroup.holderId}`,
      ...{ Memory: memoryBytes, MemorySwap: memoryBytes, PidsLimit: processes },
      ...{ CgroupnsMode: 'private' }, // newer than dockerode's types
      LogConfig: { Type: 'none', Config: {} },
      Mounts: [{ Type: 'volume', Source: VOLUME, Target: ARTIFACTS_NODE_PATH, ReadOnly: true }],
      ...(powers === 'privileged' ? { Privileged: true } : withCapabilities),
    },
  };
}

/** When the lab is gone, the engine ends the input, that ends the first process, and the engine removes the rest. */
const WITH_STREAMS = {
  ...{ OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true },
} as const;

/** A node's place in a group, and the container in whose network its own starts. */
export interface InGroup {
  readonly holderId: string;
  readonly member: Member;
}

/** A container whose network namespace has the bridge between the nodes of a group, and no way out. */
export function segmentContainer({
  name,
  image,
  owner,
  now,
  powers,
  reaperLabels,
}: ContainerMaking & { powers: Powers; reaperLabels: ReaperLabels }): ContainerCreateOptions {
  return {
    name: `cnilab-segment-${name}`,
    Image: image,
    Entrypoint: ['/lab/bin/agent'],
    Cmd: ['segment'],
    Labels: { ...ownedBy({ owner, now }), [LABELS.segment]: name, ...reaperLabels },
    ...WITH_STREAMS,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      LogConfig: { Type: 'none', Config: {} },
      ...(powers === 'privileged' ? { Privileged: true } : withCapabilities),
    },
  };
}

/** All that --privileged does beside the capabilities: no filters, no masks, any device. */
const withCapabilities: HostConfig = {
  CapAdd: CAPABILITIES,
  CapDrop: ['ALL'],
  SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined', 'label=disable'],
  MaskedPaths: [],
  ReadonlyPaths: [],
  DeviceCgroupRules: ['a *:* rwm'],
};

/**
 * A container through which files get into the volume. It is not started; if it is, by whoever finds it after its lab was
 * killed or its engine's disk was full, it removes what is only half there. So it is not for a reaper, which would remove it
 * and leave that.
 */
export function uploadContainer({
  name,
  image,
  owner,
  now,
  folders,
}: ContainerMaking & { folders: readonly string[] }): ContainerCreateOptions {
  const undo = `cd ${ARTIFACTS_NODE_PATH} && for one in "$@"; do [ -e "${COMPLETE}/$one" ] || rm -rf "$one"; done`;
  return {
    name: `cnilab-upload-${name}`,
    Image: image,
    Entrypoint: ['/bin/sh', '-c', undo, 'sh', ...folders],
    Cmd: [],
    Labels: { ...ownedBy({ owner, now }), [LABELS.upload]: name },
    HostConfig: {
      NetworkMode: 'none',
      LogConfig: { Type: 'none', Config: {} },
      Mounts: [{ Type: 'volume', Source: VOLUME, Target: ARTIFACTS_NODE_PATH }],
    },
  };
}

/** In the volume: an empty file for each folder that has all its files. */
export const COMPLETE = '.complete';

const ownedBy = ({ owner, now }: { owner: Owner; now: Moment }) => ({
  [LABELS.owner]: ownerText(owner),
  [LABELS.createdMs]: String(now.ms),
  ...(now.ticks === undefined ? {} : { [LABELS.createdTicks]: String(now.ticks) }),
});

export const containerName = (node: string): string => `cnilab-${node}`;
/** Labels of a container cannot be changed; its name can. */
export const keptName = (node: string): string => `cnilab-kept-${node}`;

/** The lab that made a container, as a label of it: other labs must know whether it is still there. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** with the pid, names one process for as long as the machine is up; null where there is no /proc */
  readonly startTicks: number | null;
  /** where it keeps what it knows of its nodes: those of another folder are not its own */
  readonly stateHostPath: string;
}

export const thisLab = async (stateHostPath: string): Promise<Owner> => ({
  host: hostname(),
  pid: process.pid,
  startTicks: (await startTicks(process.pid)) ?? null,
  stateHostPath,
});

/** Whether it made its nodes on this machine and for this folder. */
export const isOf = (owner: Owner | undefined, stateHostPath: string): boolean =>
  owner?.host === hostname() && owner.stateHostPath === stateHostPath;

/** Whether its process has ended; undefined for one on another machine, which nobody here can know. */
export async function hasEnded(owner: Owner): Promise<boolean | undefined> {
  if (owner.host !== hostname()) return undefined;
  if (owner.startTicks !== null) return (await startTicks(owner.pid)) !== owner.startTicks;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (thrown) {
    return !(thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM');
  }
}

export function parseOwner(text: string): Owner | undefined {
  const [host, pid, ticks, ...folder] = text.split(' ');
  if (!host || !/^\d+$/.test(pid ?? '') || !/^(?:\d+|-)$/.test(ticks ?? '')) return undefined;
  return {
    host,
    pid: Number(pid),
    startTicks: ticks === '-' ? null : Number(ticks),
    stateHostPath: folder.join(' '),
  };
}

export const ownerText = ({ host, pid, startTicks: ticks, stateHostPath }: Owner): string =>
  `${host} ${pid} ${ticks ?? '-'} ${stateHostPath}`;
