import { spawn } from 'node:child_process';

import { LabError } from '../../core/lab-error.ts';

export interface LockOptions {
  /** a file, which is created if it does not exist, or a directory */
  readonly lockHostPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Runs `work` while no other process on this host, in any container, does so with the same lock file. `onWait` is
 * called if another process has the lock. Node has no flock(2), so a small shell holds the lock while a pipe of the lab
 * is open. The kernel releases the lock however the lab ends, including kill -9, so there are no stale locks.
 */
export async function withLock<T>(
  { onWait, ...options }: LockOptions & { readonly onWait: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const release = await acquire(options, onWait);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Runs `work` unless another process has the lock. Returns whether it did. */
export async function withLockIfFree(options: LockOptions, work: () => Promise<void>): Promise<boolean> {
  let busy = false;
  const release = await acquire(options, (giveUp) => {
    busy = true;
    giveUp();
  });
  try {
    if (!busy) await work();
  } finally {
    await release();
  }
  return !busy;
}

/**
 * Starts the shell that holds the lock, and returns a function that ends it. A wait that was aborted counts as
 * acquired.
 */
async function acquire(
  { lockHostPath, env, signal }: LockOptions,
  onBusy: (giveUp: () => void) => void,
): Promise<() => Promise<void>> {
  signal.throwIfAborted();
  const holder = spawn('sh', ['-c', HOLDER, 'sh', lockHostPath], {
    env: { ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const closed = new Promise<void>((resolve) => {
    holder.once('close', () => resolve());
    holder.once('error', () => resolve());
  });
  const kill = () => {
    try {
      if (holder.pid !== undefined) process.kill(-holder.pid, 'SIGKILL');
    } catch {
      // it has already ended
    }
  };
  const release = async () => {
    signal.removeEventListener('abort', kill);
    holder.stdin.destroy();
    await closed;
  };
  signal.addEventListener('abort', kill, { once: true });
  holder.stdin.on('error', () => undefined);
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const held = await new Promise<boolean>((resolve) => {
    let output = '';
    holder.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output === 'busy\n') {
        onBusy(() => {
          kill();
          resolve(true);
        });
      }
      if (output.endsWith('held\n')) resolve(true);
    });
    void closed.then(() => resolve(false));
  });
  if (held) return release;
  await release();
  signal.throwIfAborted();
  throw new LabError(`could not lock ${lockHostPath}: ${complaint.trim() || 'sh did not start'}`);
}

// `cat` ends when the pipe closes. It is the last process with descriptor 9, so the lock is then released.
const HOLDER = [
  'command -v flock >/dev/null || { echo "flock is missing (util-linux)" >&2; exit 1; }',
  'if [ -d "$1" ]; then exec 9<"$1"; else exec 9>"$1"; fi || exit 1',
  'flock -n 9 || { echo busy; flock 9; } || exit 1',
  'echo held',
  'exec cat >/dev/null',
].join('\n');
