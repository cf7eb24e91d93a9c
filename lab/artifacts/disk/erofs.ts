import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

import { sizeOf, type FileContent, type FolderNode, type TreeNode } from './tree.ts';

/**
 * Lays out a tree as an uncompressed erofs image: https://docs.kernel.org/filesystems/erofs.html. It is implemented
 * here, because that is less than shipping mkfs.erofs, works on any host, and gives the same bytes everywhere. Every
 * kernel since 5.4 can read it.
 */
export interface ErofsLayout {
  /** everything except the content of files, from the start of the image */
  readonly head: Buffer;
  /**
   * the content after the head; each starts at a multiple of the block size, in order, with no gaps except in the last
   * block of each
   */
  readonly contents: readonly { readonly offset: number; readonly content: FileContent }[];
  readonly sizeBytes: number;
}

export const BLOCK_BYTES = 4096;
const INODE_BYTES = 32;
const DIRENT_BYTES = 12;
const SUPERBLOCK_OFFSET = 1024;
const MAGIC = 0xe0f5e1e2;
/**
 * inodes are in the blocks after the superblock; number 0 is not used, because it means "none" to readers of
 * directories
 */
const META_BLOCK = 1;

const MODE_OF_KIND = { folder: 0o040000, file: 0o100000, link: 0o120000 } as const;
const TYPE_OF_KIND = { file: 1, folder: 2, link: 7 } as const;

const blocksFor = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES);

interface Inode {
  readonly node: TreeNode;
  readonly number: number;
  readonly parent: Inode | undefined;
  names: number;
}

export function layOutErofs(root: FolderNode): ErofsLayout {
  const inodes = numberInodes(root);
  const metaBlocks = blocksFor((inodes.size + 1) * INODE_BYTES);
  let nextBlock = META_BLOCK + metaBlocks;
  const take = (bytes: number): number => {
    const block = nextBlock;
    nextBlock += blocksFor(bytes);
    return bytes === 0 ? 0 : block;
  };

  // directories and links first: they are in the head, next to each other
  const placed = new Map<Inode, { readonly block: number; readonly sizeBytes: number }>();
  const small: { readonly block: number; readonly bytes: Buffer }[] = [];
  for (const inode of inodes.values()) {
    if (inode.node.kind === 'file') continue;
    const bytes =
      inode.node.kind === 'link' ? Buffer.from(inode.node.target) : folderBytes(inode, inode.node, inodes);
    const block = take(bytes.length);
    placed.set(inode, { block, sizeBytes: bytes.length });
    small.push({ block, bytes });
  }
  const headBlocks = nextBlock;
  const contents: { offset: number; content: FileContent }[] = [];
  for (const inode of inodes.values()) {
    if (inode.node.kind !== 'file') continue;
    const sizeBytes = sizeOf(inode.node.content);
    const block = take(sizeBytes);
    placed.set(inode, { block, sizeBytes });
    if (sizeBytes > 0) contents.push({ offset: block * BLOCK_BYTES, content: inode.node.content });
  }

  const head = Buffer.alloc(headBlocks * BLOCK_BYTES);
  writeSuperblock(head, {
    inodes: inodes.size,
    blocks: nextBlock,
    rootNumber: inodes.get(root)?.number ?? 0,
  });
  for (const [inode, at] of placed) writeInode(head, inode, at);
  for (const { block, bytes } of small) bytes.copy(head, block * BLOCK_BYTES);
  return { head, contents, sizeBytes: nextBlock * BLOCK_BYTES };
}

/** Directories come before their content. A node with several names has one number. */
function numberInodes(root: FolderNode): ReadonlyMap<TreeNode, Inode> {
  const inodes = new Map<TreeNode, Inode>();
  const visit = (node: TreeNode, parent: Inode | undefined): void => {
    const known = inodes.get(node);
    if (known !== undefined) {
      known.names += 1;
      return;
    }
    const inode: Inode = { node, number: inodes.size + 1, parent, names: 1 };
    inodes.set(node, inode);
    if (node.kind === 'folder') for (const entry of node.entries.values()) visit(entry, inode);
  };
  visit(root, undefined);
  return inodes;
}

/** Blocks of entries, each followed by its names. Names are in byte order over all blocks. */
function folderBytes(
  inode: Inode,
  node: FolderNode,
  inodes: ReadonlyMap<TreeNode, Inode>,
): Buffer<ArrayBuffer> {
  const entries = [
    { name: Buffer.from('.'), to: inode },
    { name: Buffer.from('..'), to: inode.parent ?? inode },
    ...[...node.entries].map(([name, entry]) => {
      const to = inodes.get(entry);
      if (to === undefined) throw new Error(`${name} has no inode`);
      return { name: Buffer.from(name), to };
    }),
  ].sort((a, b) => a.name.compare(b.name));

  const blocks: (typeof entries)[] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = DIRENT_BYTES + entry.name.length;
    if (bytes > room) {
      blocks.push([]);
      room = BLOCK_BYTES;
    }
    blocks.at(-1)?.push(entry);
    room -= bytes;
  }
  return Buffer.concat(
    blocks.map((block, index) => {
      const names = Buffer.concat(block.map(({ name }) => name));
      const used = block.length * DIRENT_BYTES + names.length;
      const bytes = Buffer.alloc(index === blocks.length - 1 ? used : BLOCK_BYTES);
      let nameOffset = block.length * DIRENT_BYTES;
      block.forEach(({ name, to }, position) => {
        const at = position * DIRENT_BYTES;
        bytes.writeBigUInt64LE(BigInt(to.number), at);
        bytes.writeUInt16LE(nameOffset, at + 8);
        bytes.writeUInt8(TYPE_OF_KIND[to.node.kind], at + 10);
        nameOffset += name.length;
      });
      names.copy(bytes, block.length * DIRENT_BYTES);
      return bytes;
    }),
  );
}

/** The compact form, with all content in separate blocks ("flat plain"). */
function writeInode(
  head: Buffer,
  { node, number, names }: Inode,
  { block, sizeBytes }: { block: number; sizeBytes: number },
): void {
  const at = META_BLOCK * BLOCK_BYTES + number * INODE_BYTES;
  const folders =
    node.kind === 'folder' ? [...node.entries.values()].filter(({ kind }) => kind === 'folder').length : 0;
  head.writeUInt16LE(MODE_OF_KIND[node.kind] | (node.kind === 'link' ? 0o777 : node.mode), at + 4);
  head.writeUInt16LE(node.kind === 'folder' ? 2 + folders : names, at + 6);
  head.writeUInt32LE(sizeBytes, at + 8);
  head.writeUInt32LE(block, at + 16);
  head.writeUInt32LE(number, at + 20);
}

function writeSuperblock(
  head: Buffer,
  { inodes, blocks, rootNumber }: { inodes: number; blocks: number; rootNumber: number },
): void {
  head.writeUInt32LE(MAGIC, SUPERBLOCK_OFFSET);
  head.writeUInt8(Math.log2(BLOCK_BYTES), SUPERBLOCK_OFFSET + 12);
  head.writeUInt16LE(rootNumber, SUPERBLOCK_OFFSET + 14);
  head.writeBigUInt64LE(BigInt(inodes), SUPERBLOCK_OFFSET + 16);
  head.writeUInt32LE(blocks, SUPERBLOCK_OFFSET + 36);
  head.writeUInt32LE(META_BLOCK, SUPERBLOCK_OFFSET + 40);
}

/** Writes a tree as a disk. `capacityBytes` sets the size of the disk; the unused part takes no space on the host. */
export async function writeDisk(
  hostPath: string,
  root: FolderNode,
  { capacityBytes = 0 }: { capacityBytes?: number } = {},
): Promise<void> {
  const { head, contents, sizeBytes } = layOutErofs(root);
  const file = await open(hostPath, 'wx');
  try {
    await file.write(head, 0, head.length, 0);
    for (const { offset, content } of contents) {
      if ('bytes' in content) {
        await file.write(content.bytes, 0, content.bytes.length, offset);
        continue;
      }
      const { hostPath: from, offset: start, sizeBytes: length } = content;
      let at = offset;
      for await (const chunk of createReadStream(from, {
        start,
        end: start + length - 1,
        highWaterMark: 1 << 20,
      })) {
        const bytes = chunk as Buffer;
        await file.write(bytes, 0, bytes.length, at);
        at += bytes.length;
      }
    }
    await file.truncate(Math.max(sizeBytes, capacityBytes));
  } finally {
    await file.close();
  }
}
