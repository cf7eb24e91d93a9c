import { expect, test } from 'vitest';

import type { RunPlan } from '../lab/plan/plan.ts';
import { clusterNodesAtOnce } from '../lab/assembly/backends.ts';
import { runQueue } from '../lab/run-queue.ts';
import { planned } from './rig/recorded-run.ts';

const single = (title: string): RunPlan => planned({ title });

/** A cluster with this many nodes. */
function cluster(title: string, count: number): RunPlan {
  const { nodes, ...run } = single(title);
  return {
    ...run,
    nodes: Array.from({ length: count }, () => nodes).flat(),
    cluster: {
      kubernetes: { component: 'kubernetes', version: '1.24.17' },
      etcd: { component: 'etcd', version: '3.5.6' },
      workers: Array.from({ length: count - 1 }, (_, index) => `worker-${index + 1}`),
    },
  };
}

const A = cluster('a', 3);
const B = cluster('b', 3);
const C = cluster('c', 3);
const BIG = cluster('big', 9);

test('runs come in their order, with their index, until none is left', () => {
  const queue = runQueue([single('a'), single('b')], 0);
  expect([queue.take()?.[0], queue.left(), queue.take()?.[0], queue.take()]).toEqual([0, 1, 1, undefined]);
});

test('a cluster waits for room, and single nodes go before it', () => {
  const d = single('d');
  const queue = runQueue([A, B, C, d], 6);
  const taken = [queue.take(), queue.take(), queue.take(), queue.take()];
  expect(taken).toEqual([[0, A], [1, B], [3, d], 'no-room']);
  queue.end(d);
  expect(queue.take()).toBe('no-room');
  queue.end(A);
  expect([queue.take(), queue.take()]).toEqual([[2, C], undefined]);
});

test('a cluster that never has room runs beside no other one', () => {
  const queue = runQueue([A, BIG, B], 4);
  expect([queue.take(), queue.take()]).toEqual([[1, BIG], 'no-room']);
  queue.end(BIG);
  expect([queue.take(), queue.take()]).toEqual([[0, A], 'no-room']);
  queue.end(A);
  expect(queue.take()).toEqual([2, B]);
});

test('small clusters do not take the room of a larger one', () => {
  const small = [1, 2, 3].map((index) => cluster(`small ${index}`, 2));
  const [s1, s2, s3] = small;
  const four = cluster('four', 4);
  const six = cluster('six', 6);
  const queue = runQueue([...small, four, single('d'), six], 6);
  expect([queue.take(), queue.take(), queue.take()]).toEqual([[5, six], [4, single('d')], 'no-room']);
  queue.end(six);
  expect([queue.take(), queue.take(), queue.take()]).toEqual([[3, four], [0, s1], 'no-room']);
  queue.end(four);
  expect([queue.take(), queue.take(), queue.take()]).toEqual([[1, s2], [2, s3], undefined]);
});

test('who waits for room is woken by the end of any run', async () => {
  const queue = runQueue([A, B], 0);
  queue.take();
  const ended = Promise.all([queue.ended(), queue.ended()]);
  queue.end(A);
  await ended;
  expect(queue.take()).toEqual([1, B]);
});

test.each([
  ['bare nodes, with what Linux allows by default', 14, 128, 6],
  ['nodes of kind, with the same', 21, 128, 4],
  ['a host that allows more', 14, 8192, 582],
  ['a host that allows next to nothing', 14, 16, 0],
  ['virtual machines, each with a kernel of its own', 0, 128, Infinity],
])('the nodes of clusters that have room at a time: %s', (_, inotifyPerClusterNode, instances, nodes) => {
  expect(clusterNodesAtOnce({ inotifyPerClusterNode }, instances)).toBe(nodes);
});
