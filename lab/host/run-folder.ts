import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of one recorded run on the host. Everything is written the moment it is known. */
export interface RunFolder {
  readonly hostPath: string;
  /** a file of the run, by its path below the folder */
  write(path: string, content: string | Uint8Array): void;
  append(path: string, content: string | Uint8Array): void;
}

/** Makes the folder; it must not be there yet. */
export function createRunFolder(hostPath: string): RunFolder {
  mkdirSync(dirname(hostPath), { recursive: true });
  mkdirSync(hostPath);
  return {
    hostPath,
    write(path, content) {
      const file = join(hostPath, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    },
    append(path, content) {
      appendFileSync(join(hostPath, path), content);
    },
  };
}

/** Whether there is a folder at this path, and not nothing, a file, or a path through a file. */
export const isFolder = (hostPath: string): boolean =>
  statSync(hostPath, { throwIfNoEntry: false })?.isDirectory() === true;
