import { spawn } from 'node:child_process';
import { constants } from 'node:os';

import type { Terminal } from '../node.ts';

/** Runs a program of this host on the user's terminal. Its exit code, as a shell tells it. */
export async function runOnTerminal(
  [program = '', ...args]: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const child = spawn(program, args, { stdio: [terminal.input, terminal.output, terminal.error] });
  terminal.onSignal((signal) => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (exitCode, signal) =>
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
  });
}
