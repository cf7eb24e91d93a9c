import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface Finished {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  /** what it has written to standard output so far */
  output(): string;
  /** what it has written to standard error so far */
  errors(): string;
}

export interface CnilabOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** a command that runs it, for example as another user */
  readonly as?: readonly string[];
}

/** Starts the real command, as a user would, and collects its output. */
export function startCnilab(args: readonly string[], options: CnilabOptions = {}): Started {
  const [program = '', ...argv] = [
    ...(options.as ?? []),
    process.execPath,
    `${ROOT}/bin/cnilab.cjs`,
    ...args,
  ];
  const child = spawn(program, argv, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, FORCE_COLOR: '', NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
  });
  return { process: child, finished, output: () => stdout, errors: () => stderr };
}

export const cnilab = (args: readonly string[], options?: CnilabOptions): Promise<Finished> =>
  startCnilab(args, options).finished;
