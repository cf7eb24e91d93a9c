import { createReadStream } from 'node:fs';
import { join } from 'node:path';

import type { Artifact } from '../../../artifacts/artifact.ts';
import type { AgentLink } from '../../agent-link.ts';
import { parseNothing } from '../../agent-protocol.ts';

const PIECE_BYTES = 1 << 20;

/** Brings an artifact onto a node through the agent, for one that was not named at the node's start. */
export async function copyArtifact(link: AgentLink, { key, hostPath, files }: Artifact): Promise<string> {
  const folder = `/lab/provided/${key}`;
  for (const { path, executable } of files) {
    const append = (bytes: Buffer) =>
      link.request(
        {
          op: 'append-file',
          path: `${folder}/${path}`,
          base64: bytes.toString('base64'),
          mode: executable ? 0o755 : 0o644,
        },
        parseNothing,
      );
    await append(Buffer.alloc(0)); // an empty file is a file too
    const pieces = createReadStream(join(hostPath, path), { highWaterMark: PIECE_BYTES });
    for await (const piece of pieces) await append(piece as Buffer);
  }
  return folder;
}
