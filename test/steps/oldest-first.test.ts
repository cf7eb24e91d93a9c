import { expect, test } from 'vitest';
import type { StateItem } from '../../lab/core/node-state.ts';
import { oldestFirst } from '../../lab/steps/pods.ts';

const sandbox = (name: string, createdAt?: string): StateItem => ({
  kind: 'sandbox',
  name,
  ...(createdAt === undefined ? {} : { detail: { createdAt } }),
});

test('sandboxes are sorted by the nanosecond of their creation, then by their id', () => {
  const items = [
    sandbox('a', '1796000000000000002'),
    sandbox('d', '1796000000000000001'),
    sandbox('c', '1796000000000000001'),
    sandbox('b', '999999999999999999'),
  ];
  expect(oldestFirst(items).map(({ name }) => name)).toEqual(['b', 'c', 'd', 'a']);
});
