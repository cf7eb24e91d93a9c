import { readFile } from 'node:fs/promises';

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
