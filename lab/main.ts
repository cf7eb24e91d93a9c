import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CommanderError } from 'commander';

import { createProgram } from './cli/program.ts';
import { EXIT, type World } from './cli/world.ts';
import { BadInput, LabError, messageOf } from './core/lab-error.ts';
import { systemClock } from './host/clock.ts';
import type { Screen } from './report/reporter.ts';

const packageHostPath = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
/** System errors that say something about the host and nothing about the lab. */
const OF_THE_HOST = new Set<unknown>(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);
const ARCH: Readonly<Record<string, World['arch']>> = { x64: 'amd64', arm64: 'arm64' };

function screen(stream: NodeJS.WriteStream): Screen {
  const isTerminal = stream.isTTY === true;
  const plain = process.argv.includes('--no-color') || Boolean(process.env['NO_COLOR']);
  return {
    write: (text) => void stream.write(text),
    isTerminal,
    color: !plain && (isTerminal || Boolean(process.env['FORCE_COLOR'])),
    columns: isTerminal ? stream.columns : 120,
  };
}

const onSignal: World['onSignal'] = (listener) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => listener(signal));
};

const world: World = {
  env: process.env,
  cwd: process.cwd(),
  platform: process.platform,
  arch: ARCH[process.arch] ?? 'other',
  uid: process.geteuid?.(),
  cores: availableParallelism(),
  out: screen(process.stdout),
  err: screen(process.stderr),
  clock: systemClock,
  packageHostPath,
  cacheHostPath: join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cnilab'),
  labVersion: packageVersion(),
  randomId: () => randomBytes(3).toString('hex'),
  onSignal,
  terminal: {
    get input() {
      return process.stdin; // opened when first asked for
    },
    output: process.stdout,
    error: process.stderr,
    onSignal,
  },
  exitNow: (code) => process.exit(code),
};

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

function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(packageHostPath, 'package.json'), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : 'unknown';
}
