import { readdirSync, statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** An editor may write a file in several steps. The file is complete this long after the last step. */
const SETTLE_MS = 80;
/**
 * The modification time of a file is the time of the last kernel tick, which may be slightly earlier than the write.
 */
const TICK_MS = 10;

export interface FileWatch {
  /**
   * Adds files, and directories with everything below them, to what is watched. Anything modified since `readAtMs`
   * (milliseconds since 1970) counts as changed.
   */
  follow(hostPaths: Iterable<string>, readAtMs: number): void;
  close(): void;
}

/**
 * Watches the directories of files, because an editor may replace a file with another one. `onChange` gets the files
 * and directories that have changed, and new files next to them. chokidar is not used: it watches each file of a
 * directory, and most of them do not matter here.
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
      // it does not exist, or there are too many watches: its content is read again with the next change
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

/** The directory itself and those below it; empty for a file. */
const foldersIn = (hostPath: string): readonly string[] =>
  statsBelow(hostPath).flatMap(({ path, isFolder }) => (isFolder ? [path] : []));

/** Changes when a file is written or replaced, or when an entry of a directory is added or removed. */
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

/** Of a file, or of a directory and everything below it. Empty if the path does not exist. */
function statsBelow(hostPath: string): readonly Stat[] {
  const paths = [hostPath];
  try {
    if (statSync(hostPath).isDirectory())
      paths.push(
        ...readdirSync(hostPath, { recursive: true, encoding: 'utf8' }).map((p) => join(hostPath, p)),
      );
  } catch {
    // it is missing; its own stat below reports that
  }
  return paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const { mtimeMs, size, ino } = stat;
    return [{ path, isFolder: stat.isDirectory(), mtimeMs, size, ino }];
  });
}

/** A list of files for a message: `one.yaml, two.yaml and 3 more`. */
export function nameFiles(hostPaths: Iterable<string>): string {
  const names = [...hostPaths].map((hostPath) => basename(hostPath));
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
