import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import * as v from 'valibot';

import { LabError, messageOf } from '../../core/lab-error.ts';
import { readJson, type Schema } from '../../core/json.ts';
import { msSince, startTicks } from '../../host/machine.ts';
import type { NodeOnHost } from '../node.ts';

/**
 * The record of a node on the host, for bare nodes and virtual machines. images/node-tools/internal/launcher/record.go
 * writes it.
 */
export interface NodeRecord {
  readonly name: string;
  readonly launcherPid: number;
  /** together with the pid, identifies a process until the machine restarts; pids are reused */
  readonly launcherStartTicks: number;
  /** 0 until the node has a process */
  readonly initPid: number;
  readonly kept: boolean;
  /** the agent that created the node; it is also used to enter it */
  readonly agent: string;
  readonly cgroups: readonly string[];
  /** the directory of the node with its sockets, if it has one */
  readonly folder?: string;
}

const GONE_WITHIN_MS = 3000;

/** Every record in the directory, of running nodes and of killed ones. */
export async function readRecords(stateHostPath: string): Promise<readonly NodeRecord[]> {
  const names = (await namesIn(stateHostPath)).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(names.map((name) => readIfThere(join(stateHostPath, name))));
  return texts.flatMap((text) => (text === undefined ? [] : (parseRecord(text) ?? [])));
}

/** Whether its launcher still runs. The launcher is the last process of a node to end. */
export async function isUp(record: NodeRecord): Promise<boolean> {
  return (await startTicks(record.launcherPid)) === record.launcherStartTicks;
}

/** Asks the launcher to end the node. Returns when nothing of the node is left. */
export async function endNode(stateHostPath: string, record: NodeRecord): Promise<void> {
  if (await isUp(record)) process.kill(record.launcherPid, 'SIGTERM');
  for (let waitedMs = 0; await isUp(record); waitedMs += 10) {
    if (waitedMs > 10_000) throw new LabError(`node ${record.name} did not end within 10000 ms`);
    await sleep(10);
  }
  await removeRemains(stateHostPath, record);
}

export async function nodesOf(stateHostPath: string): Promise<readonly NodeOnHost[]> {
  const records = await readRecords(stateHostPath);
  const up = await Promise.all(records.map(isUp));
  return Promise.all(
    records
      .filter((_, index) => up[index])
      .map(async ({ name, kept, launcherStartTicks }) => ({
        name,
        kept,
        ageMs: await msSince(launcherStartTicks),
      })),
  );
}

export async function recordOf(stateHostPath: string, name: string): Promise<NodeRecord> {
  const record = (await readRecords(stateHostPath)).find((one) => one.name === name);
  if (record === undefined) throw new LabError(`there is no node named ${name}`);
  return record;
}

/** Removes what killed launchers left, but nothing of a running node. Returns one line for each node. */
export async function sweepRecords(stateHostPath: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const record of await readRecords(stateHostPath)) {
    if (await isUp(record)) continue;
    // a launcher that ends by itself removes its record first
    if ((await readIfThere(join(stateHostPath, `${record.name}.json`))) === undefined) continue;
    try {
      await removeRemains(stateHostPath, record);
      lines.push(`removed what was left of node ${record.name}`);
    } catch (thrown) {
      lines.push(`could not remove what is left of node ${record.name}: ${messageOf(thrown)}`);
    }
  }
  await removeUnfinished(stateHostPath);
  return lines;
}

/**
 * Removes the cgroups of the node, deepest first, and the cgroup of the lab above them if this was the last node. Then
 * its directory, and then the record.
 */
async function removeRemains(stateHostPath: string, record: NodeRecord): Promise<void> {
  for (const cgroup of record.cgroups) {
    for (let waitedMs = 0; ; waitedMs += 10) {
      try {
        await removeGroup(cgroup);
        break;
      } catch (cause) {
        if (waitedMs > GONE_WITHIN_MS) throw new LabError(`could not remove the cgroup ${cgroup}`, { cause });
        await sleep(10); // its processes have been killed and are about to end
      }
    }
    await rmdir(dirname(cgroup)).catch(() => undefined); // other nodes may be in it
  }
  if (record.folder !== undefined) await rm(record.folder, { recursive: true, force: true });
  await rm(join(stateHostPath, `${record.name}.json`), { force: true });
}

async function removeGroup(folder: string): Promise<void> {
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) await removeGroup(join(folder, entry.name));
    }
    await rmdir(folder);
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
}

/** `NAME.json.PID` is a record that process PID was writing when it was killed. */
async function removeUnfinished(stateHostPath: string): Promise<void> {
  for (const name of await namesIn(stateHostPath)) {
    const pid = /\.json\.(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && (await startTicks(Number(pid))) === undefined) {
      await rm(join(stateHostPath, name), { force: true });
    }
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

/** ESRCH: a process ended while its file was being read. */
const isMissing = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ESRCH');

const RECORD: Schema<NodeRecord> = v.object({
  name: v.string(),
  launcherPid: v.number(),
  launcherStartTicks: v.number(),
  initPid: v.number(),
  kept: v.boolean(),
  agent: v.string(),
  cgroups: v.array(v.string()),
  folder: v.exactOptional(v.string()),
});

/** Undefined for text that is not a record. */
export const parseRecord = (text: string): NodeRecord | undefined => readJson(RECORD, text);
