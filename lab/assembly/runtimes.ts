import type { Runtimes } from '../core/runtime.ts';
import { containerd } from '../nodes/runtimes/containerd.ts';

/** All that a node can have. */
export const RUNTIMES: Runtimes = { containerd };
