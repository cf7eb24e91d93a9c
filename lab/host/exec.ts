import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

import { LabError } from '../core/lab-error.ts';
import type { CommandResult, Exec, ExecOptions } from '../core/ports.ts';

export interface HostExecOptions {
  /** the complete environment of commands; ExecOptions.env is added to it */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How long a process that an exited command left behind may keep the outputs open. */
const DRAIN_MS = 500;

/**
 * Runs commands on this host. zx is not used: it finds the children of a command with `ps`, which misses children that
 * start at that moment, and importing it takes longer than a warm run may. Here each command is the leader of its own
 * process group. A timeout or the signal kills the group. An abort throws the reason of the signal when the group is
 * gone.
 */
export function createExec(host: HostExecOptions): Exec {
  return (argv, options = {}) => run({ argv, options, env: host.env, leash: false });
}

/**
 * The same for long commands that start other processes (compilers, apt). The complete group also dies with the lab,
 * even if the lab is killed with SIGKILL: a shell holds the other end of a pipe and kills the group when the pipe
 * closes.
 * `stdin` is that pipe, so these commands read from /dev/null.
 */
export function createLeashedExec(host: HostExecOptions): Exec {
  return (argv, options = {}) =>
    run({ argv: ['sh', '-c', LEASH, 'sh', ...argv], options, env: host.env, leash: true }).then((result) => ({
      ...result,
      argv,
    }));
}

const LEASH = [
  'exec 3<&0',
  '"$@" 3<&- </dev/null &',
  'command=$!',
  '(cat <&3; kill -KILL 0) >/dev/null 2>&1 &',
  'exec 3<&- </dev/null',
  'wait "$command"',
].join('\n');

/**
 * Runs a command after the end of this process, however it ends, unless that is cancelled. Its output is lost. For what a
 * SIGKILL of the lab would leave behind elsewhere.
 */
export function runAfterExit(
  argv: readonly string[],
  { env }: HostExecOptions,
): { cancel(this: void): void } {
  const child = spawn('sh', ['-c', 'cat > /dev/null; exec "$@" < /dev/null', 'sh', ...argv], {
    env: { ...env },
    detached: true, // signals for the group of the lab are not for it
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined); // without sh, nothing else of the lab works either
  child.unref();
  return {
    cancel() {
      child.kill('SIGKILL');
      child.stdin.destroy();
    },
  };
}

interface Command {
  readonly argv: readonly string[];
  readonly options: ExecOptions;
  readonly env: HostExecOptions['env'];
  readonly leash: boolean;
}

async function run({ argv, options, env, leash }: Command): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new LabError('asked to run an empty command');
  options.signal?.throwIfAborted();
  const startedMs = performance.now();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    detached: true,
    stdio: [leash || options.stdin !== undefined ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const endGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // it has already ended
    }
  };
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A command that does not read its input breaks the pipe. Only its exit code matters.
  child.stdin?.on('error', () => undefined);
  if (!leash) child.stdin?.end(options.stdin);

  let timedOut = false;
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          endGroup();
        }, options.timeoutMs);
  options.signal?.addEventListener('abort', endGroup, { once: true });
  try {
    const end = await new Promise<{ exitCode: number | null; signal: string | null }>((resolve, reject) => {
      child.once('error', (cause) => reject(new LabError(`could not start ${program}`, { cause })));
      child.once('exit', (exitCode, signal) => {
        if (leash) child.stdin?.destroy();
        const done = () => resolve({ exitCode, signal });
        const drained = setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
          done();
        }, DRAIN_MS);
        child.once('close', () => {
          clearTimeout(drained);
          done();
        });
      });
    });
    options.signal?.throwIfAborted();
    return {
      argv,
      exitCode: end.exitCode,
      signal: end.signal,
      stdout: Buffer.concat(stdout).toString('utf8'),
      stderr: Buffer.concat(stderr).toString('utf8'),
      durationMs: performance.now() - startedMs,
      timedOut,
    };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', endGroup);
  }
}

/** The path of a program, looked up as a shell does; undefined if it is not in the PATH. Starts no child process. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  for (const folder of (path ?? '').split(':')) {
    const hostPath = join(folder === '' ? '.' : folder, name);
    try {
      accessSync(hostPath, constants.X_OK);
      if (statSync(hostPath).isFile()) return hostPath;
    } catch {
      // it does not exist, is not executable, or its directory is not readable: a shell continues its search too
    }
  }
  return undefined;
}
