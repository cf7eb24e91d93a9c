/** How the runtime of a node is: its process is there and CRI answers; it is there and CRI does not answer; it is gone. */
export const RUNTIME_STATES = ['running', 'not-ready', 'ended'] as const;
export type RuntimeState = (typeof RUNTIME_STATES)[number];

/** How a pod's sandbox is to CRI; `absent`: CRI does not list it. */
export type PodState = 'ready' | 'not-ready' | 'absent';
