import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { World } from './cli/world.ts';
import { systemClock } from './host/clock.ts';
import type { Screen } from './report/reporter.ts';
import { shown } from './core/shown.ts';

const packageHostPath = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const ARCH: Readonly<Record<string, World['arch']>> = { x64: 'amd64', arm64: 'arm64' };

/** The ambient world as it is now: read here and nowhere else, for the command and for the library. */
export const ambientWorld = (): World => ({
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
  stateHostPath: join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local/state'), 'cnilab'),
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
});

function screen(stream: NodeJS.WriteStream): Screen {
  const isTerminal = stream.isTTY === true;
  const plain = process.argv.includes('--no-color') || Boolean(process.env['NO_COLOR']);
  return {
    write: (text) => void stream.write(shown(text)),
    draw: (text) => void stream.write(text),
    isTerminal,
    color: !plain && (isTerminal || Boolean(process.env['FORCE_COLOR'])),
    columns: isTerminal ? stream.columns : 120,
  };
}

const onSignal: World['onSignal'] = (listener) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => listener(signal));
};

function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(packageHostPath, 'package.json'), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : 'unknown';
}
