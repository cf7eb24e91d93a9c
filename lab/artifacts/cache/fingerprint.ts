import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { chmod, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LabError } from '../../core/lab-error.ts';
import type { ArtifactFile } from '../artifact.ts';

export async function sha256OfFile(hostPath: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(hostPath), hash);
  return hash.digest('hex');
}

export const sha256OfText = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Lists everything in a directory that will become an artifact, sorted by path. Sets plain modes (0755 or 0644).
 * Flushes the content to disk, so that a power failure cannot leave an entry with empty files. Rejects anything but
 * regular files and directories.
 */
export async function fingerprintTree(treeHostPath: string): Promise<readonly ArtifactFile[]> {
  const files: ArtifactFile[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(treeHostPath, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const hostPath = join(treeHostPath, path);
      if (entry.isDirectory()) {
        await chmod(hostPath, 0o755);
        await visit(path);
      } else if (entry.isFile()) {
        files.push(await settle(hostPath, path));
      } else {
        throw new LabError(`${path} of an artifact is neither a file nor a folder: ${hostPath}`);
      }
    }
  };
  await visit('');
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function settle(hostPath: string, path: string): Promise<ArtifactFile> {
  const handle = await open(hostPath, 'r+');
  try {
    const { mode, size } = await handle.stat();
    const executable = (mode & 0o111) !== 0;
    await handle.chmod(executable ? 0o755 : 0o644);
    await handle.sync();
    return { path, sha256: await sha256OfFile(hostPath), sizeBytes: size, executable };
  } finally {
    await handle.close();
  }
}

/** A value that changes when a file is written or replaced. Takes microseconds; a hash takes 0.2 s. */
export function stampOf(hostPath: string): string | undefined {
  const stat = statSync(hostPath, { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() === true ? `${stat.size} ${stat.mtimeNs} ${stat.ino}` : undefined;
}
