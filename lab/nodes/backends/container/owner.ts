import { hostname } from 'node:os';

import { startTicks } from '../../../host/process-start.ts';

/** The lab that made a container, as a label of it: other labs must know whether it is still there. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** with the pid, names one process for as long as the machine is up; null where there is no /proc */
  readonly startTicks: number | null;
}

export const thisLab = async (): Promise<Owner> => ({
  host: hostname(),
  pid: process.pid,
  startTicks: (await startTicks(process.pid)) ?? null,
});

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
  const [host, pid, ticks] = text.split(' ');
  if (!host || !/^\d+$/.test(pid ?? '') || !/^(?:\d+|-)$/.test(ticks ?? '')) return undefined;
  return { host, pid: Number(pid), startTicks: ticks === '-' ? null : Number(ticks) };
}

export const ownerText = ({ host, pid, startTicks: ticks }: Owner): string =>
  `${host} ${pid} ${ticks ?? '-'}`;
