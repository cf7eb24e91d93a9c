import { CommanderError } from 'commander';

import { ambientWorld, stop } from './assembly/ambient.ts';
import { createProgram } from './cli/program.ts';
import { writeBug, EXIT } from './cli/exit-codes.ts';
import { BadInput, LabError, messageOf } from './core/lab-error.ts';

/** System errors that say something about the host and nothing about the lab. */
const OF_THE_HOST = new Set<unknown>([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'EIO',
]);
/** For nodes to be taken down after something unexpected; then the process ends, and what holds to it ends too. */
const TAKE_DOWN_MS = 60_000;
const world = ambientWorld();

/** The exit code: the command's own word, unless something outranks it. */
let wanted: number = EXIT.pass;
let atLeast: number = EXIT.pass;
const tell = (): void => {
  process.exitCode = atLeast === EXIT.bug || wanted === EXIT.pass ? atLeast : wanted;
};

// A reader that went away (`| head`) is no reason to leave a node up: the pipe's error ends the process like Ctrl-C.
let outputIsBroken = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (outputIsBroken) return; // what is still printed fails in the same way, and a second signal would not wait
  outputIsBroken = true;
  if (error.code === 'EPIPE') return void process.kill(process.pid, 'SIGTERM');
  world.err.write(`cnilab: the output cannot be written: ${error.message}\n`);
  atLeast = EXIT['broken-output'];
  tell();
  if (!stop('broken-output')) process.exit();
});
process.stderr.on('error', () => undefined); // there is nobody to inform

// What is thrown where nobody waits for it leaves no node up either.
process.on('uncaughtException', crash);

// not awaited: the bundle is a script and no module, as only those have a code cache on Node 20 (bin/code-cache.cjs)
void createProgram(world, (exitCode) => {
  wanted = exitCode;
  tell();
})
  .parseAsync(process.argv)
  .catch((thrown: unknown) => {
    wanted = exitCodeOf(thrown);
    tell();
  });

/** Says what went wrong in one message and returns the exit code. */
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
  writeBug(world, thrown);
  return EXIT.bug;
}

function crash(thrown: unknown): void {
  writeBug(world, thrown);
  if (atLeast === EXIT.bug) return; // everything is being taken down already
  atLeast = EXIT.bug;
  tell();
  if (!stop('bug')) process.exit();
  setTimeout(() => process.exit(), TAKE_DOWN_MS).unref();
}
