import { CommanderError } from 'commander';

import { ambientWorld } from './ambient.ts';
import { createProgram } from './cli/program.ts';
import { EXIT } from './cli/world.ts';
import { BadInput, LabError, messageOf } from './core/lab-error.ts';

/** System errors that say something about the host and nothing about the lab. */
const OF_THE_HOST = new Set<unknown>(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);
const world = ambientWorld();

// What is printed cannot be delivered: the command is ended like by Ctrl-C, so that no node stays up. A reader that went
// away (`| head`) wants no word of it; a full disk or a broken terminal is told, and is not a success.
let outputBroke: NodeJS.ErrnoException | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (outputBroke !== undefined) return; // what is still said fails in the same way
  outputBroke = error;
  if (error.code !== 'EPIPE') world.err.write(`cnilab: the output cannot be written: ${error.message}\n`);
  if (error.code === 'EPIPE' || process.listenerCount('SIGTERM') > 0) process.kill(process.pid, 'SIGTERM');
});
process.stderr.on('error', () => undefined); // there is nowhere left to say it
process.on('exit', () => {
  const saysNothing: readonly unknown[] = [undefined, EXIT.pass, EXIT.SIGTERM];
  if (outputBroke !== undefined && outputBroke.code !== 'EPIPE' && saysNothing.includes(process.exitCode))
    process.exitCode = EXIT.inconclusive;
});

process.on('uncaughtException', (thrown) => endAtOnce(thrown));

// not awaited: the bundle is a script and no module, as only those have a code cache on Node 20 (bin/code-cache.cjs)
void createProgram(world, (exitCode) => {
  process.exitCode = exitCode;
})
  .parseAsync(process.argv)
  .catch((thrown: unknown) => {
    process.exitCode = exitCodeOf(thrown);
  });

/** Says what went wrong in one message and returns what the shell is told. */
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
  return endAtOnce(thrown);
}

/** A bug. Every node ends with the lab's stream to it, so with this process. */
function endAtOnce(thrown: unknown): never {
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  world.err.write(`cnilab: this is a bug in cnilab; please report it with these lines\n${stack}\n`);
  return world.exitNow(EXIT.bug);
}
