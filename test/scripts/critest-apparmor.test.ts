import { expect, test } from 'vitest';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import type { RunningNode } from '../../lab/nodes/node.ts';
import { APPARMOR_LEFT_OUT, prepareAppArmor } from '../../scripts/critest/apparmor.ts';

/** A node whose kernel reports this about AppArmor, if it reports anything. */
function nodeSaying(enabled: string | undefined, exitCode = 0) {
  const done: string[] = [];
  const node: Pick<RunningNode, 'name' | 'readFile' | 'provide' | 'exec'> = {
    name: 'lab-1',
    readFile: async () => enabled ?? Promise.reject(new Error('there is none')),
    async provide() {
      done.push('provide');
      return '/lab/artifacts/key';
    },
    async exec(argv) {
      done.push(argv.at(-1) ?? '');
      const ended = { signal: null, stdout: '', durationMs: 1, timedOut: false };
      return { argv, exitCode, stderr: 'mount: no overlay\n', ...ended };
    },
  };
  return { node: node as RunningNode, done };
}

const tools = () => Promise.resolve({} as Artifact);

test.each(['bare', 'container', 'vm'] as const)(
  'on a kernel without AppArmor nothing is done: critest skips by itself (%s)',
  async (backend) => {
    for (const enabled of [undefined, 'N\n']) {
      const { node, done } = nodeSaying(enabled);
      expect(await prepareAppArmor(node, { backend, tools })).toEqual([]);
      expect(done).toEqual([]);
    }
  },
);

test.each(['bare', 'container'] as const)(
  'no profile is loaded into this machine’s kernel (%s)',
  async (backend) => {
    const { node, done } = nodeSaying('Y\n');
    expect(await prepareAppArmor(node, { backend, tools })).toEqual([APPARMOR_LEFT_OUT]);
    expect(done).toEqual([]);
  },
);

test('a virtual machine gets the programs that load profiles, or the reason why not is reported', async () => {
  const { node, done } = nodeSaying('Y\n');
  expect(await prepareAppArmor(node, { backend: 'vm', tools })).toEqual([]);
  expect(done).toEqual(['provide', '/lab/artifacts/key']);
  await expect(prepareAppArmor(nodeSaying('Y\n', 32).node, { backend: 'vm', tools })).rejects.toThrow(
    "AppArmor's programs cannot be brought to lab-1: mount: no overlay",
  );
});
