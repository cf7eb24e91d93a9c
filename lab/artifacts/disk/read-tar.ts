import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { LabError } from '../../core/lab-error.ts';
import { find, folderNode, place, type FolderNode, type TreeNode } from './tree.ts';

/** What an archive that the lab itself has packed lays below `under`, with links as links. */
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
    case 'link': // a second name of a file that came before
      return find(root, `${under}/${linkname ?? ''}`);
    case 'file':
      return { kind: 'file', mode: mode ?? 0o644, content: { bytes } };
    default:
      return undefined;
  }
}
