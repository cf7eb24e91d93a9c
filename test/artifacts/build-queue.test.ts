import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { buildsAtOnce, createBuildQueue } from '../../lab/artifacts/go/build-queue.ts';

const GIB = 1024 ** 3;

test.each([
  { cores: 1, freeGib: 16, builds: 1 },
  { cores: 2, freeGib: 16, builds: 2 },
  { cores: 2, freeGib: 2, builds: 1 },
  { cores: 2, freeGib: 0.5, builds: 1 },
  { cores: 8, freeGib: 32, builds: 4 },
  { cores: 64, freeGib: 64, builds: 3 },
])('$builds builds at once on $cores cores with $freeGib GiB free', ({ cores, freeGib, builds }) => {
  expect(buildsAtOnce({ cores, freeMemoryBytes: () => freeGib * GIB })).toBe(builds);
});

/** A queue whose builds end when the test says so; `started` are those that were started, in that order. */
function buildsIn(atOnce: number) {
  const queue = createBuildQueue(() => atOnce);
  const started: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (why: Error) => void }>();
  const ask = (name: string): Promise<void> => {
    const [component = '', version = ''] = name.split(' ');
    return queue.run({ component: component as 'containerd', version }, () => {
      started.push(name);
      return new Promise<void>((resolve, reject) => ends.set(name, { resolve, reject }));
    });
  };
  const end = async (name: string, why?: Error): Promise<void> => {
    if (why === undefined) ends.get(name)?.resolve();
    else ends.get(name)?.reject(why);
    await turn();
  };
  return { ask, end, started };
}

describe('builds at once', () => {
  test('the first version of each minor is built before others, and its others wait for it', async () => {
    const { ask, end, started } = buildsIn(2);
    const all = ['containerd 1.6.0', 'containerd 1.6.1', 'containerd 1.6.2', 'runc 1.1.15', 'crio 1.34.0'];
    const asked = all.map(ask);
    await turn();
    await turn();
    expect(started).toEqual(['containerd 1.6.0', 'runc 1.1.15']);
    await end('containerd 1.6.0');
    expect(started.slice(2)).toEqual(['crio 1.34.0']);
    await end('runc 1.1.15');
    expect(started.slice(3)).toEqual(['containerd 1.6.1']);
    await end('crio 1.34.0');
    expect(started.slice(4)).toEqual(['containerd 1.6.2']);
    await end('containerd 1.6.1');
    await end('containerd 1.6.2');
    await Promise.all(asked);
  });

  test('two of one minor are not compiled at once before one of them is there, even with nothing else to do', async () => {
    const { ask, end, started } = buildsIn(2);
    const asked = ['containerd 1.6.0', 'containerd 1.6.1', 'containerd 1.6.2'].map(ask);
    await turn();
    await turn();
    expect(started).toEqual(['containerd 1.6.0']);
    await end('containerd 1.6.0');
    expect(started).toEqual(['containerd 1.6.0', 'containerd 1.6.1', 'containerd 1.6.2']);
    await end('containerd 1.6.1');
    await end('containerd 1.6.2');
    await Promise.all(asked);
  });

  test('one that fails makes room, and the next of its minor is the first', async () => {
    const { ask, end, started } = buildsIn(2);
    const asked = ['containerd 1.6.0', 'containerd 1.6.1', 'containerd 1.6.2'].map(ask);
    const failed = expect(asked[0]).rejects.toThrow('no space left');
    await turn();
    await turn();
    await end('containerd 1.6.0', new Error('no space left'));
    await failed;
    expect(started).toEqual(['containerd 1.6.0', 'containerd 1.6.1']);
    await end('containerd 1.6.1');
    await end('containerd 1.6.2');
    await Promise.all(asked.slice(1));
  });
});
