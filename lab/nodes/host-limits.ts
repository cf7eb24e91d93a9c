import { totalmem } from 'node:os';

import type { NodeLimits } from '../core/node-state.ts';

const GIB = 1024 ** 3;
const MOST_MEMORY_BYTES = 4 * GIB;
const PROCESSES = 4096;

/** All limits of a node on a host with so much memory: a node with a few pods takes some 100 MiB and 60 processes. */
export function hostLimits(
  { memoryBytes, processes = PROCESSES, tmpfsBytes }: NodeLimits = {},
  hostMemoryBytes = totalmem(),
): Required<NodeLimits> {
  const memory = memoryBytes ?? Math.min(MOST_MEMORY_BYTES, Math.floor(hostMemoryBytes / 2));
  return { memoryBytes: memory, processes, tmpfsBytes: tmpfsBytes ?? Math.floor(memory / 2) };
}
