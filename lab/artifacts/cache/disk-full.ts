import { LabError } from '../../core/lab-error.ts';

/** The one message for a full disk, from whatever it was noticed by. */
export function diskFull(cacheHostPath: string): LabError {
  return new LabError(
    `no space left for the cache in ${cacheHostPath}; make room, run "cnilab clean --cache", or set XDG_CACHE_HOME to a folder on another disk`,
  );
}

/** Whether an error of Node's, or one of its causes, says that the disk or the quota is full. */
export function saysDiskFull(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const code = 'code' in thrown ? thrown.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || saysDiskFull(thrown.cause);
}

/** Whether the output of a command says so, in the words of strerror(3). */
export const outputSaysDiskFull = (output: string): boolean =>
  /no space left on device|disk quota exceeded/i.test(output);
