import type { Runtimes } from '../core/runtime.ts';
import { containerd } from '../nodes/runtimes/containerd.ts';
import { crio } from '../nodes/runtimes/crio.ts';

/** All runtimes that a node can have. */
export const RUNTIMES: Runtimes = { containerd, crio };
