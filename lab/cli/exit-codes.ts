import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf } from '../core/lab-error.ts';
import type { World } from '../assembly/world.ts';

/** What each outcome of a command means to the shell. */
export const EXIT = {
  pass: 0,
  fail: 1,
  badInput: 2,
  inconclusive: 69,
  'broken-output': 69,
  /** something unexpected inside cnilab */
  bug: 70,
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
} as const;

/** Something that nobody expected: one line for the user, and the stack in a file for whoever mends it. */
export function writeBug(world: World, thrown: unknown): void {
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  const [first = ''] = messageOf(thrown).split('\n');
  world.err.write(
    `cnilab: an unexpected error inside cnilab, which says nothing about the runtime: ${first}\n${where(world, stack)}\n`,
  );
}

/** Where the stack is: the newest alone is kept, and it is shown where it cannot be. */
function where({ cacheHostPath, labVersion, platform, arch }: World, stack: string): string {
  const hostPath = join(cacheHostPath, 'last-crash.txt');
  try {
    mkdirSync(cacheHostPath, { recursive: true });
    writeFileSync(hostPath, `cnilab ${labVersion}, Node ${process.version}, ${platform} ${arch}\n${stack}\n`);
    return `  its stack is in ${hostPath}`;
  } catch {
    return stack;
  }
}
