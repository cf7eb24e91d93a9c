import { CommanderError } from 'commander';

import { ambientWorld } from './ambient.ts';
import { createProgram } from './cli/program.ts';
import { EXIT } from './cli/world.ts';
import { BadInput, LabError, messageOf } from './core/lab-error.ts';

/** System errors that say something about the host and nothing about the lab. */
const OF_THE_HOST = new Set<unknown>(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);
const world = ambientWorld();

// A reader that went away (`| head`) is no reason to leave a node up: the pipe's error ends the process like Ctrl-C.
let readerIsGone = false;
process.stdout.on('error', () => {
  if (!readerIsGone) process.kill(process.pid, 'SIGTERM');
  readerIsGone = true; // what is still said fails in the same way, and a second signal would not wait
});

// not awaited: the bundle is a script and no module, as only those have a code cache on Node 20 (bin/code-cache.cjs)
void createProgram(world, (exitCode) => {
  process.exitCode = exitCode;
})
  .parseAsync(process.argv)
  .catch((thrown: unknown) => {
    process.exitCode = exitCodeOf(thrown);
  });

/** Says what went wrong in one message and returns what the shell is told; anything unexpected crashes with its stack. */
function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.pass : EXIT.badInput;
  if (thrown instanceof BadInput || thrown instanceof LabError) {
    world.err.write(`cnilab: ${messageOf(thrown)}\n`);
    return thrown instanceof BadInput ? EXIT.badInput : EXIT.inconclusive;
  }
  if (thrown instanceof Error && 'code' in thrown && OF_THE_HOST.has(thrown.code)) {
    world.err.write(`cnilab: ${thrown.message}\n`);
    return EXIT.inconclusive;
  }
  throw thrown;
}
