import { hostname } from 'node:os';

import type { ContainerCreateOptions, HostConfig, NetworkCreateOptions } from 'dockerode';

import type { NodeLimits, SystemCalls } from '../../../core/node-state.ts';
import { startTicks } from '../../../host/machine.ts';
import type { Member } from '../../group.ts';

/** The privileges of a node container: all, or only certain capabilities if an engine cannot give all. */
export type Powers = 'privileged' | 'capabilities';

/** The backends whose nodes are containers. */
export type EngineBackend = 'container' | 'kind';

/** The labels of the lab's containers. */
export const LABELS = {
  /** the name of the node */
  node: 'cnilab.node',
  /** instead of that: an upload into the volume */
  upload: 'cnilab.upload',
  /** or the network of a group of nodes */
  segment: 'cnilab.segment',
  /** for a node in a group: the container with the network */
  inSegment: 'cnilab.in-segment',
  /** of a network: the cluster of kind that is in it; kind gives its containers no labels of ours */
  cluster: 'cnilab.kind-cluster',
  owner: 'cnilab.owner',
  /** the backend that made it */
  backend: 'cnilab.backend',
  createdMs: 'cnilab.created-ms',
  /** since the boot of the machine of the lab, if that is known */
  createdTicks: 'cnilab.created-ticks',
} as const;

export const ARTIFACTS_NODE_PATH = '/lab/artifacts';
export const VOLUME = 'cnilab-artifacts';

/**
 * The capabilities that Docker gives every container, that creating a node needs, and that plugins and people use on
 * it. CAP_SYS_RESOURCE and similar ones are not included, because an engine that itself runs in a container may not
 * have them.
 */
export const CAPABILITIES = [
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['NET_RAW', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
  ...['DAC_READ_SEARCH', 'IPC_LOCK', 'NET_ADMIN', 'NET_BROADCAST', 'SYS_ADMIN', 'SYS_NICE', 'SYS_PTRACE'],
];

/** A time on two clocks: the time of day, which all machines have, and a clock that is never set. */
export interface Moment {
  readonly ms: number;
  readonly ticks: number | undefined;
}

export interface ContainerMaking {
  readonly backend: EngineBackend;
  readonly name: string;
  readonly image: string;
  readonly owner: Owner;
  readonly now: Moment;
}

/** Labels for the reaper of the lab, if there is one. Empty if the node may be kept. */
export type ReaperLabels = Readonly<Record<string, string>>;

/**
 * The container of a node. Its first process creates the node inside it, as it does with namespaces on a host. On kind
 * it then becomes systemd.
 */
export function nodeContainer({
  backend,
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
    // an engine sets no host name for a container that starts in the network of another one; the agent does
    ...(inGroup === undefined && { Hostname: name }),
    Entrypoint: ['/lab/bin/agent'],
    Cmd: [
      ...['init', '--name', name, '--artifacts', ARTIFACTS_NODE_PATH, '--staging', '/lab/root'],
      ...['--tmpfs-bytes', String(tmpfsBytes)],
      ...(backend === 'kind' ? ['--systemd'] : []),
      ...(systemCalls === 'unfiltered' ? ['--unfiltered'] : []),
      ...(inGroup === undefined ? [] : ['--member', JSON.stringify(inGroup.member)]),
    ],
    // for systemd, SIGTERM is no reason to end
    ...(backend === 'kind' && { StopSignal: 'SIGRTMIN+3' }),
    Labels: {
      ...ownedBy({ backend, owner, now }),
      [LABELS.node]: name,
      ...(inGroup && { [LABELS.inSegment]: inGroup.holderId }),
      ...reaperLabels,
    },
    ...WITH_STREAMS,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: inGroup === undefined ? 'none' : `container:${inGroup.holderId}`,
      ...{ Memory: memoryBytes, MemorySwap: memoryBytes, PidsLimit: processes },
      ...{ CgroupnsMode: 'private' }, // newer than the types of dockerode
      LogConfig: { Type: 'none', Config: {} },
      Mounts: [{ Type: 'volume', Source: VOLUME, Target: ARTIFACTS_NODE_PATH, ReadOnly: true }],
      ...(powers === 'privileged' ? { Privileged: true } : withCapabilities),
    },
  };
}

/**
 * When the lab is gone, the engine closes the input. That ends the first process, and the engine then removes the
 * container.
 */
const WITH_STREAMS = {
  ...{ OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true },
} as const;

/** The place of a node in a group, and the container in whose network its own network starts. */
export interface InGroup {
  readonly holderId: string;
  readonly member: Member;
}

/** A container whose network namespace has the bridge between the nodes of a group. It has no route out. */
export function segmentContainer({
  backend,
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
    Labels: { ...ownedBy({ backend, owner, now }), [LABELS.segment]: name, ...reaperLabels },
    ...WITH_STREAMS,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      LogConfig: { Type: 'none', Config: {} },
      ...(powers === 'privileged' ? { Privileged: true } : withCapabilities),
    },
  };
}

/** Everything that --privileged does besides capabilities: no filters, no masked paths, any device. */
const withCapabilities: HostConfig = {
  CapAdd: CAPABILITIES,
  CapDrop: ['ALL'],
  SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined', 'label=disable'],
  MaskedPaths: [],
  ReadonlyPaths: [],
  DeviceCgroupRules: ['a *:* rwm'],
};

/**
 * A container that is used to copy files into the volume. It is not started by the upload. If it is started later,
 * because its lab was killed or the disk of the engine was full, it removes incomplete files. So it has no labels for a
 * reaper, which would remove the container but not the files.
 */
export function uploadContainer({
  backend,
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
    Labels: { ...ownedBy({ backend, owner, now }), [LABELS.upload]: name },
    HostConfig: {
      NetworkMode: 'none',
      LogConfig: { Type: 'none', Config: {} },
      Mounts: [{ Type: 'volume', Source: VOLUME, Target: ARTIFACTS_NODE_PATH }],
    },
  };
}

/** A directory in the volume with an empty file for each complete directory of artifacts. */
export const COMPLETE = '.complete';

/** The network of a cluster of kind. Its owner is that of all containers of the cluster. */
export const clusterNetwork = ({
  name,
  ...making
}: Omit<ContainerMaking, 'image'>): NetworkCreateOptions => ({
  Name: name,
  Driver: 'bridge',
  Labels: { ...ownedBy(making), [LABELS.cluster]: name },
});

/** The label that kind gives to the containers of a cluster. */
export const KIND_LABEL = 'io.x-k8s.kind.cluster';

/** The name of a cluster of kind, from the start of the names of its nodes. */
export const clusterName = (nodes: string): string => `cnilab-${nodes}`;

/** The names that kind gives to the containers of a cluster: the first is the control plane. */
export const kindContainerName = (cluster: string, index: number): string =>
  `${cluster}-${['control-plane', 'worker'][index] ?? `worker${index}`}`;

/** Whether kind gives this name to a container of this cluster. */
export const isKindContainerName = (container: string, cluster: string): boolean =>
  container.startsWith(`${cluster}-`) &&
  /^(?:control-plane|worker\d*)$/.test(container.slice(cluster.length + 1));

/** The name of the node that is in such a container. */
export const nodeInKindContainer = (container: string): string =>
  container.replace(/^cnilab-/, '').replace(/-worker(\d*)$/, (_, number: string) => `-worker-${number || 1}`);

const ownedBy = ({ backend, owner, now }: Pick<ContainerMaking, 'backend' | 'owner' | 'now'>) => ({
  [LABELS.backend]: backend,
  [LABELS.owner]: ownerText(owner),
  [LABELS.createdMs]: String(now.ms),
  ...(now.ticks === undefined ? {} : { [LABELS.createdTicks]: String(now.ticks) }),
});

export const containerName = (node: string): string => `cnilab-${node}`;
/** The labels of a container cannot be changed, but its name can. */
export const keptName = (node: string): string => `cnilab-kept-${node}`;

/** The lab that created a container, stored as a label. Other labs use it to check whether that lab still exists. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** together with the pid, identifies a process until the machine restarts; null if there is no /proc */
  readonly startTicks: number | null;
  /** where it keeps the records of its nodes; nodes of another directory are not its own */
  readonly stateHostPath: string;
}

export const thisLab = async (stateHostPath: string): Promise<Owner> => ({
  host: hostname(),
  pid: process.pid,
  startTicks: (await startTicks(process.pid)) ?? null,
  stateHostPath,
});

/** Whether the owner created its nodes on this machine and for this directory. */
export const isOf = (owner: Owner | undefined, stateHostPath: string): boolean =>
  owner?.host === hostname() && owner.stateHostPath === stateHostPath;

/** Whether the process of the owner has ended; undefined if it is on another machine, where this cannot be checked. */
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
