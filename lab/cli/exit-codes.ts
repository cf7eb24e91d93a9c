import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { messageOf } from '../core/lab-error.ts';
import type { World } from '../assembly/world.ts';

/** The exit code for each outcome of a command. */
export const EXIT = {
  pass: 0,
  fail: 1,
  badInput: 2,
  inconclusive: 69,
  'broken-output': 69,
  /** an unexpected error inside cnilab */
  bug: 70,
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
} as const;

/** Reports an unexpected error: one line for the user, and the stack in a file for the developers. */
export function writeBug(world: World, thrown: unknown): void {
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  const [first = ''] = messageOf(thrown).split('\n');
  world.err.write(
    `cnilab: an unexpected error inside cnilab, which says nothing about the runtime: ${first}\n${where(world, stack)}\n`,
  );
}

/** Where the stack is. Only the newest file is kept. If it cannot be written, the stack itself is returned. */
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
