import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { layOutErofs } from './erofs.ts';
import type { FolderNode } from './tree.ts';

/** Writes a tree as a disk. With `capacityBytes` the disk is that large, of which what is not used takes no room. */
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
