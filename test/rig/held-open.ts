import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

import type { TestEngine } from './engine.ts';

/** A proxy to an engine that keeps all connections open, so that the engine does not notice when a lab is gone. */
export async function heldOpen({ url, folder }: TestEngine): Promise<{ readonly url: string } & Disposable> {
  const socketPath = join(folder, 'held-open.sock');
  const ends = new Set<Socket>();
  const server = createServer((lab) => {
    const engine = connect(url.replace('unix://', ''));
    for (const end of [lab, engine]) {
      ends.add(end);
      end.on('error', () => end.destroy());
    }
    lab.pipe(engine, { end: false });
    engine.pipe(lab);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    url: `unix://${socketPath}`,
    [Symbol.dispose]() {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
}
