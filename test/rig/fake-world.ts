import { join } from 'node:path';
import type { World } from '../../lab/assembly/world.ts';
import { systemClock } from '../../lab/host/machine.ts';
import { ROOT } from './cnilab.ts';

/** A world that records what is written, for commands that make no node. */
export function fakeWorld(world: Partial<World> & { readonly columns?: number } = {}): World & {
  readonly written: { out: string; err: string };
} {
  const written = { out: '', err: '' };
  const screen = (to: 'out' | 'err'): World['out'] => ({
    write: (text) => void (written[to] += text),
    draw: (text) => void (written[to] += text),
    isTerminal: false,
    color: false,
    columns: world.columns ?? 120,
  });
  const nowhere = (): never => {
    throw new Error('this world has no terminal');
  };
  return {
    env: {},
    cwd: ROOT,
    platform: 'linux',
    arch: 'amd64',
    uid: 0,
    cores: 1,
    freeMemoryBytes: () => 2 ** 33,
    out: screen('out'),
    err: screen('err'),
    writeCommand: (text) => void (written.out += text),
    get terminal() {
      return nowhere();
    },
    clock: systemClock,
    packageHostPath: ROOT,
    cacheHostPath: join(ROOT, 'test/no-cache'),
    stateHostPath: join(ROOT, 'test/no-cache'),
    labVersion: '0.0.0',
    randomId: () => 'abcdef',
    onStop: () => undefined,
    exitNow: nowhere,
    ...world,
    written,
  };
}
