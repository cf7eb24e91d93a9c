import { readFile } from 'node:fs/promises';

/**
 * When a process began, which with its pid names one process for as long as the machine is up; undefined when there is
 * none. Fields 3 and 22 of /proc/PID/stat; the second is a name that may have spaces and brackets. A process that has ended
 * and waits for its parent to notice is gone: after the lab, that parent is the machine's first process, which may take long.
 */
export async function startTicks(pid: number): Promise<number | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (thrown) {
    // ESRCH: it ended while its file was read
    if (thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ESRCH'))
      return undefined;
    throw thrown;
  }
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : Number(fields[18]);
}

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every architecture that Linux runs on today

/** This moment on the scale of `startTicks`, which no change of the machine's clock moves; undefined where there is no /proc. */
export async function ticksNow(): Promise<number | undefined> {
  const own = await startTicks(process.pid);
  return own === undefined ? undefined : Math.floor(own + process.uptime() * TICKS_PER_SECOND);
}

/** How long ago a moment on that scale was. */
export async function msSince(ticks: number): Promise<number | undefined> {
  const now = await ticksNow();
  return now === undefined || now < ticks ? undefined : ((now - ticks) * 1000) / TICKS_PER_SECOND;
}
