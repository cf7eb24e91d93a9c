import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import type { Header } from 'tar-stream';

import { LabError } from '../../core/lab-error.ts';

/** Where the bytes of a file are: in a file of this host, from an offset on, or in memory. */
export type FileContent =
  | { readonly hostPath: string; readonly offset: number; readonly sizeBytes: number }
  | { readonly bytes: Buffer };

export interface FolderNode {
  readonly kind: 'folder';
  readonly mode: number;
  readonly entries: Map<string, TreeNode>;
}

/** The content of a file system. A node with several names is a hard link. Everything is owned by root. */
export type TreeNode =
  | FolderNode
  | { readonly kind: 'file'; readonly mode: number; readonly content: FileContent }
  | { readonly kind: 'link'; readonly target: string };

export const folderNode = (mode = 0o755): FolderNode => ({ kind: 'folder', mode, entries: new Map() });

export const sizeOf = (content: FileContent): number =>
  'bytes' in content ? content.bytes.length : content.sizeBytes;

/** Puts a node at a path and creates the parent directories. */
export function place(root: FolderNode, path: string, node: TreeNode): void {
  const names = namesOf(path);
  const name = names.pop();
  if (name === undefined) return;
  let folder = root;
  for (const above of names) {
    const next = folder.entries.get(above);
    if (next?.kind === 'folder') {
      folder = next;
      continue;
    }
    const made = folderNode();
    folder.entries.set(above, made);
    folder = made;
  }
  const there = folder.entries.get(name);
  if (node.kind === 'folder' && there?.kind === 'folder') return;
  folder.entries.set(name, node);
}

export function find(root: FolderNode, path: string): TreeNode | undefined {
  let node: TreeNode | undefined = root;
  for (const name of namesOf(path)) node = node?.kind === 'folder' ? node.entries.get(name) : undefined;
  return node;
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** Adds the content of an archive that the lab itself has packed below `under`. Links stay links. */
export async function readTar(tarHostPath: string, root: FolderNode, under = ''): Promise<void> {
  const { default: tarStream } = await import('tar-stream');
  const tar = tarStream.extract();
  const taking = (async () => {
    for await (const entry of tar) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      const node = nodeOf(entry.header, { bytes: Buffer.concat(chunks), root, under });
      if (node === undefined)
        throw new LabError(`${tarHostPath} has a ${entry.header.type}: ${entry.header.name}`);
      place(root, `${under}/${entry.header.name}`, node);
    }
  })();
  await Promise.all([pipeline(createReadStream(tarHostPath), tar), taking]);
}

function nodeOf(
  { type, mode, linkname }: Header,
  { bytes, root, under }: { bytes: Buffer; root: FolderNode; under: string },
): TreeNode | undefined {
  switch (type) {
    case 'directory':
      return folderNode(mode);
    case 'symlink':
      return { kind: 'link', target: linkname ?? '' };
    case 'link': // another name of an earlier file
      return find(root, `${under}/${linkname ?? ''}`);
    case 'file':
      return { kind: 'file', mode: mode ?? 0o644, content: { bytes } };
    default:
      return undefined;
  }
}

/** One entry of an initramfs. A directory must come before its content. */
export type CpioEntry =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'file'; readonly executable?: boolean; readonly content: Buffer }
  | { readonly path: string; readonly kind: 'device'; readonly major: number; readonly minor: number };

/**
 * A cpio archive in the format that the kernel unpacks when it starts ("newc"): docs.kernel.org, initramfs buffer
 * format.
 */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const packed = entries.map((entry, index) => {
    const content = entry.kind === 'file' ? entry.content : Buffer.alloc(0);
    const mode = {
      folder: 0o040755,
      file: entry.kind === 'file' && entry.executable === true ? 0o100755 : 0o100644,
      device: 0o020600,
    }[entry.kind];
    const device = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0];
    return record({ path: entry.path, inode: index + 1, mode, content, device });
  });
  return Buffer.concat([
    ...packed,
    record({ path: 'TRAILER!!!', inode: 0, mode: 0, content: Buffer.alloc(0), device: [0, 0] }),
  ]);
}

interface CpioRecord {
  readonly path: string;
  readonly inode: number;
  readonly mode: number;
  readonly content: Buffer;
  readonly device: readonly number[];
}

function record({ path, inode, mode, content, device }: CpioRecord): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, name.length, 0];
  const header = Buffer.from(
    `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`,
    'latin1',
  );
  return Buffer.concat([padded(Buffer.concat([header, name])), padded(content)]);
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
