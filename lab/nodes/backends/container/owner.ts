import { hostname } from 'node:os';

import { startTicks } from '../../../host/process-start.ts';

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
