import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { readRecords } from '../../lab/nodes/backends/node-records.ts';

/** The names of the nodes whose launchers a process has started, from the folder of their records. */
export async function launchedBy(
  pid: number | undefined,
  recordsHostPath: string,
): Promise<readonly string[]> {
  const records = await readRecords(recordsHostPath);
  const parents = await Promise.all(records.map(({ launcherPid }) => parentOf(launcherPid)));
  return records.filter((_, index) => parents[index] === pid).map(({ name }) => name);
}

/** Undefined if the process has ended. */
const parentOf = (pid: number): Promise<number | undefined> =>
  readFile(`/proc/${pid}/status`, 'utf8').then(
    (status) => Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]),
    () => undefined,
  );

/** the folder of the node records: the test file's own, set by own-nodes.ts */
export const RECORDS = join(process.env['CNILAB_STATE'] || join(homedir(), '.cache/cnilab'), 'nodes');

/** Control groups below /sys/fs/cgroup. A folder that disappears while it is read has to be read again. */
export function cgroupsWith(name: string): readonly string[] {
  try {
    const all = readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' });
    return all.filter((path) => path.includes(name));
  } catch {
    return cgroupsWith(name);
  }
}

/** The command lines that contain the text. */
export const processesWith = (text: string): readonly string[] =>
  pids()
    .map(commandOf)
    .filter((command) => command.includes(text));

export const pids = (): readonly string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

export function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
