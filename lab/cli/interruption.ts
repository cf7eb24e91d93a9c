import { setMaxListeners } from 'node:events';
import { EXIT, type World } from './world.ts';

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Ctrl-C and its like: the first one asks the command to take everything down, a second one does not wait for it. */
export interface Interruption {
  /** aborted by the first one, with its name as the reason */
  readonly signal: AbortSignal;
  /** what the shell is told, once there was one */
  exitCode(): number | undefined;
}

export function listenForInterruption(world: World, onFirst: (signal: Signal) => void): Interruption {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // some for each run that is on, which may be dozens
  let by: Signal | undefined;
  world.onSignal((signal) => {
    if (by !== undefined) world.exitNow(EXIT[signal]);
    by = signal;
    onFirst(signal);
    controller.abort(signal);
  });
  return { signal: controller.signal, exitCode: () => (by === undefined ? undefined : EXIT[by]) };
}
