import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where a program is that a command line would find; undefined when the PATH has none. Costs no child process. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  for (const folder of (path ?? '').split(':')) {
    const hostPath = join(folder === '' ? '.' : folder, name);
    if (statSync(hostPath, { throwIfNoEntry: false })?.isFile() !== true) continue;
    try {
      accessSync(hostPath, constants.X_OK);
      return hostPath;
    } catch {
      // there and not executable: a shell goes on looking too
    }
  }
  return undefined;
}
