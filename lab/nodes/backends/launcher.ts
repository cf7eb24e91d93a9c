import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { once } from 'node:events';
import { join } from 'node:path';

import { LabError } from '../../core/lab-error.ts';
import type { Terminal } from '../node.ts';
import type { Artifact } from '../../artifacts/artifact.ts';

/** of the output of a launcher; the one of a virtual machine prints two logs of 12 lines each */
const LAST_LINES = 30;

/** How a launcher ended: its last output and its exit code. */
export function watchEnd(launcher: ChildProcess) {
  let output = '';
  launcher.stderr
    ?.setEncoding('utf8')
    .on('data', (chunk: string) => (output = (output + chunk).slice(-4000)));
  const why = new Promise<string>((resolve) => {
    launcher.once('error', (error) => resolve(error.message));
    launcher.once('close', (exitCode, signal) => {
      const lastLines = output.trim().split('\n').slice(-LAST_LINES).join('\n');
      resolve(lastLines === '' ? `its launcher ended with ${signal ?? exitCode}` : lastLines);
    });
  });
  const exited = new Promise<number | null>((resolve) => launcher.once('exit', resolve));
  return {
    why,
    /** Waits for a clean end. After the timeout the launcher is killed, and a sweep removes the rest later. */
    async within(timeoutMs: number, name: string): Promise<void> {
      const timer = setTimeout(() => launcher.kill('SIGKILL'), timeoutMs);
      const exitCode = await exited;
      clearTimeout(timer);
      if (exitCode !== 0) throw new LabError(`node ${name} did not end cleanly: ${await why}`);
    },
  };
}

/** Runs a program of this host on the terminal of the user. Returns its exit code, as a shell reports it. */
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

/** The network of a group, held by a process on this host. */
export interface Segment {
  readonly pid: number;
  close(): Promise<void>;
}

/** Starts `agent segment`, which always ends with the lab. `name` is visible in the process list. Throws LabError. */
export async function startSegment(
  nodeTools: Artifact,
  name: string,
  argv: readonly string[],
): Promise<Segment> {
  const holder = spawn(join(nodeTools.hostPath, 'bin/agent'), ['segment', '--name', name, ...argv], {
    stdio: 'pipe',
    detached: true, // Ctrl-C is only for the lab, which ends its nodes first
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
