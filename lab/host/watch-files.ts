import { readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** An editor writes a file in several steps; this long after the last one it is complete. */
const SETTLE_MS = 80;
/** The time of a file is that of the kernel's last tick, which may be a little before it was written. */
const TICK_MS = 10;

export interface FileWatch {
  /**
   * What is watched from now on, beside what was before: files, and folders with all that is below them. Whatever was
   * changed since `readAtMs` (milliseconds since 1970) has changed already.
   */
  follow(hostPaths: Iterable<string>, readAtMs: number): void;
  close(): void;
}

/**
 * Watches the folders of files, as an editor may replace a file by another one. `onChange` gets the files and folders that
 * have changed, and new files beside them. Not chokidar: it watches each file of a folder, and here most of them do not matter.
 */
export function watchFiles(onChange: (hostPaths: ReadonlySet<string>) => void): FileWatch {
  const signatures = new Map<string, string>();
  const watchers = new Map<string, FSWatcher>();
  const seen = new Set<string>();
  let settling: NodeJS.Timeout | undefined;

  const settle = (): void => {
    const changed = new Set([...seen].filter((hostPath) => !signatures.has(hostPath)));
    seen.clear();
    for (const [hostPath, before] of signatures) {
      const now = signatureOf(hostPath);
      if (now === before) continue;
      signatures.set(hostPath, now);
      changed.add(hostPath);
    }
    if (changed.size > 0) onChange(changed);
  };
  const settleSoon = (): void => {
    clearTimeout(settling);
    settling = setTimeout(settle, SETTLE_MS);
  };
  const watchFolder = (folder: string): void => {
    if (watchers.has(folder)) return;
    try {
      const watcher = watch(folder, (_, name) => {
        if (name !== null) seen.add(join(folder, name));
        settleSoon();
      });
      watcher.on('error', () => {
        watcher.close();
        watchers.delete(folder);
      });
      watchers.set(folder, watcher);
    } catch {
      // it is not there, or there are too many watches: what is in it is read again with the next change
    }
  };

  return {
    follow(hostPaths, readAtMs) {
      for (const hostPath of hostPaths) {
        watchFolder(dirname(hostPath));
        for (const folder of foldersIn(hostPath)) watchFolder(folder);
        if (signatures.has(hostPath)) continue;
        const isNewer = newestMs(hostPath) > readAtMs - TICK_MS;
        signatures.set(hostPath, isNewer ? '' : signatureOf(hostPath));
        if (isNewer) settleSoon();
      }
    },
    close() {
      clearTimeout(settling);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** The folder itself and those below it; none for a file. */
const foldersIn = (hostPath: string): readonly string[] =>
  statsBelow(hostPath).flatMap(({ path, isFolder }) => (isFolder ? [path] : []));

/** Differs when a file was written or replaced, or something came into a folder or went. */
const signatureOf = (hostPath: string): string =>
  statsBelow(hostPath)
    .map(({ path, mtimeMs, size, ino }) => [path, mtimeMs, size, ino].join(' '))
    .join('\n') || 'missing';

const newestMs = (hostPath: string): number =>
  Math.max(0, ...statsBelow(hostPath).map(({ mtimeMs }) => mtimeMs));

interface Stat {
  readonly path: string;
  readonly isFolder: boolean;
  readonly mtimeMs: number;
  readonly size: number;
  readonly ino: number;
}

/** Of a file, or of a folder and everything below it; nothing where there is none. */
function statsBelow(hostPath: string): readonly Stat[] {
  const paths = [hostPath];
  try {
    if (statSync(hostPath).isDirectory())
      paths.push(
        ...readdirSync(hostPath, { recursive: true, encoding: 'utf8' }).map((p) => join(hostPath, p)),
      );
  } catch {
    // missing, as its own stat below says
  }
  return paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const { mtimeMs, size, ino } = stat;
    return [{ path, isFolder: stat.isDirectory(), mtimeMs, size, ino }];
  });
}

/** `one.yaml, two.yaml and 3 more`, for a message. */
export function nameFiles(hostPaths: Iterable<string>): string {
  const names = [...hostPaths].map((hostPath) => basename(hostPath));
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
