import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where a program is that a command line would find; undefined when the PATH has none. Costs no child process. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  for (const folder of (path ?? '').split(':')) {
    const hostPath = join(folder === '' ? '.' : folder, name);
    try {
      accessSync(hostPath, constants.X_OK);
      if (statSync(hostPath).isFile()) return hostPath;
    } catch {
      // not there, not executable, or in a folder that is not ours to look into: a shell goes on looking too
    }
  }
  return undefined;
}
