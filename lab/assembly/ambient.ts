import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as v from 'valibot';

import { readJson } from '../core/json.ts';
import type { Signal, StopReason, World } from './world.ts';
import { systemClock } from '../host/machine.ts';
import type { Screen } from '../report/reporter.ts';
import { shown, withoutCommands } from '../core/content.ts';

/** This file is two folders deep in lab/, and directly in dist/ when it is bundled. */
const packageHostPath = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../..' : '..', import.meta.url),
).replace(/\/$/, '');
const ARCH: Readonly<Record<string, World['arch']>> = { x64: 'amd64', arm64: 'arm64' };

/** The environment of the process. Only read here, for the command and for the library. */
export const ambientWorld = (): World => ({
  env: process.env,
  cwd: process.cwd(),
  platform: process.platform,
  arch: ARCH[process.arch] ?? 'other',
  uid: process.geteuid?.(),
  cores: availableParallelism(),
  freeMemoryBytes: () => process.availableMemory(),
  out: screen(process.stdout, 1),
  err: screen(process.stderr, 2),
  writeCommand: (text) => writeAll(process.stdout, { fd: 1, text: shown(text) }),
  clock: systemClock,
  packageHostPath,
  cacheHostPath: cacheHostPath(),
  stateHostPath: process.env['CNILAB_STATE'] || cacheHostPath(),
  labVersion: packageVersion(),
  randomId: () => randomBytes(3).toString('hex'),
  onStop,
  terminal: {
    get input() {
      return process.stdin; // opened on first use
    },
    output: process.stdout,
    error: process.stderr,
    onSignal,
  },
  exitNow: (code) => process.exit(code),
});

function screen(stream: NodeJS.WriteStream, fd: 1 | 2): Screen {
  const isTerminal = stream.isTTY === true;
  const forced = process.env['FORCE_COLOR'] ?? '';
  const plain = process.argv.includes('--no-color') || Boolean(process.env['NO_COLOR']) || forced === '0';
  const safe = isGithubStep() ? withoutCommands : (text: string) => text;
  return {
    write: (text) => writeAll(stream, { fd, text: safe(shown(text)) }),
    draw: (text) => void stream.write(safe(text)),
    isTerminal,
    color: !plain && (isTerminal || forced !== ''),
    get columns() {
      return (isTerminal && stream.columns) || 120; // a user may resize it, and some terminals report 0
    },
  };
}

/** Whether standard output is read by the runner of GitHub, which finds commands in it. */
const isGithubStep = (): boolean => process.env['GITHUB_ACTIONS'] === 'true';

/**
 * Writes immediately and completely to a file or device. The stream of Node may write only a part and report that it
 * wrote everything.
 */
function writeAll(stream: NodeJS.WritableStream, { fd, text }: { fd: number; text: string }): void {
  if (stream instanceof Socket) return void stream.write(text);
  try {
    writeFileSync(fd, text);
  } catch (thrown) {
    stream.emit('error', thrown);
  }
}

const onSignal = (listener: (signal: Signal) => void): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => listener(signal));
};

const stopListeners: ((reason: StopReason) => void)[] = [];

const onStop: World['onStop'] = (listener) => {
  stopListeners.push(listener);
  onSignal(listener);
};

/** Asks the running command to end its nodes and exit. False if there is nothing to end. */
export function stop(reason: StopReason): boolean {
  for (const listener of stopListeners) listener(reason);
  return stopListeners.length > 0;
}

const cacheHostPath = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'cnilab');

const PACKAGE = v.object({ version: v.string() });
const packageVersion = (): string =>
  readJson(PACKAGE, readFileSync(join(packageHostPath, 'package.json'), 'utf8'))?.version ?? 'unknown';
