import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import type { Artifact } from '../../artifacts/artifact.ts';
import { LabError } from '../../core/lab-error.ts';
import { watchEnd } from './launcher.ts';

/** The network of a group, held by a process on this host. */
export interface Segment {
  readonly pid: number;
  close(): Promise<void>;
}

/** Starts `agent segment`, which ends with the lab, in whatever way that ends; `name` is for those who look at processes. Throws LabError. */
export async function startSegment(
  nodeTools: Artifact,
  name: string,
  argv: readonly string[],
): Promise<Segment> {
  const holder = spawn(join(nodeTools.hostPath, 'bin/agent'), ['segment', '--name', name, ...argv], {
    stdio: 'pipe',
    detached: true, // Ctrl-C is for the lab, which ends its nodes first
    env: {},
    cwd: '/',
  });
  const { why } = watchEnd(holder);
  holder.stdin.on('error', () => undefined);
  await Promise.race([
    once(holder.stdout, 'data'),
    why.then((text) =>
      Promise.reject(new LabError(`the network between the nodes could not be made: ${text}`)),
    ),
  ]);
  holder.unref();
  const closed = once(holder.stdout, 'close');
  return {
    pid: holder.pid ?? 0,
    async close() {
      holder.stdin.end();
      await closed;
      holder.stderr.destroy();
    },
  };
}
