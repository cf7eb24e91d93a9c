import { expect, test } from 'vitest';

import { beginAhead, type NodeBeginning } from '../../lab/nodes/ahead.ts';
import type { RunningNode } from '../../lab/nodes/node.ts';

/** Which nodes are begun and ended, in order, when the first node is taken with these wishes. */
async function taking(wanted: Omit<NodeBeginning, 'name'>): Promise<readonly unknown[]> {
  const done: unknown[] = [];
  const ahead = beginAhead('lab-1', (node) => {
    done.push(node);
    return Promise.resolve({ end: async () => void done.push('end') } as RunningNode);
  });
  await ahead.take({ name: 'lab-1', ...wanted });
  await ahead.end();
  return done;
}

test('a node that was begun in advance is used if it fits, and otherwise a new one is made', async () => {
  const first = { name: 'lab-1' };
  expect(await taking({})).toEqual([first]);
  expect(await taking({ systemCalls: 'filtered' })).toEqual([first]);
  const unfiltered = { ...first, systemCalls: 'unfiltered' };
  expect(await taking({ systemCalls: 'unfiltered' })).toEqual([first, 'end', unfiltered]);
  const limits = { processes: 100 };
  expect(await taking({ limits })).toEqual([first, 'end', { ...first, limits, systemCalls: 'filtered' }]);
});
