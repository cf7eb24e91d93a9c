import { CommanderError } from 'commander';

import { ambientWorld, stop } from './assembly/ambient.ts';
import { createProgram } from './cli/program.ts';
import { writeBug, EXIT } from './cli/exit-codes.ts';
import { BadInput, LabError, messageOf } from './core/lab-error.ts';

/** System errors that are caused by the host, not by a bug in the lab. */
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
/** Time to end nodes after an unexpected error. Then the process exits, and everything that depends on it ends too. */
const TAKE_DOWN_MS = 60_000;
const world = ambientWorld();

/** The exit code of the command, unless a more important one replaces it. */
let wanted: number = EXIT.pass;
let atLeast: number = EXIT.pass;
const setExitCode = (): void => {
  process.exitCode = atLeast === EXIT.bug || wanted === EXIT.pass ? atLeast : wanted;
};

// If the reader of the output is gone (`| head`), no node must stay: the error of the pipe ends the process like
// Ctrl-C.
let outputIsBroken = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (outputIsBroken) return; // further output fails in the same way, and a second signal would skip the clean-up
  outputIsBroken = true;
  if (error.code === 'EPIPE') return void process.kill(process.pid, 'SIGTERM');
  world.err.write(`cnilab: the output cannot be written: ${error.message}\n`);
  atLeast = EXIT['broken-output'];
  setExitCode();
  if (!stop('broken-output')) process.exit();
});
process.stderr.on('error', () => undefined); // nobody can be informed

// An error that is thrown where nobody handles it must not leave nodes either.
process.on('uncaughtException', crash);

// not awaited: the bundle is a script and not a module, because only scripts have a code cache on Node 20
// (bin/code-cache.cjs)
void createProgram(world, (exitCode) => {
  wanted = exitCode;
  setExitCode();
})
  .parseAsync(process.argv)
  .catch((thrown: unknown) => {
    wanted = exitCodeOf(thrown);
    setExitCode();
  });

/** Reports what went wrong in one message and returns the exit code. */
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
  if (atLeast === EXIT.bug) return; // the nodes are already being ended
  atLeast = EXIT.bug;
  setExitCode();
  if (!stop('bug')) process.exit();
  setTimeout(() => process.exit(), TAKE_DOWN_MS).unref();
}
