import { setMaxListeners } from 'node:events';
import { EXIT } from './exit-codes.ts';
import type { StopReason, World } from '../assembly/world.ts';

/**
 * Handles Ctrl-C and similar signals. The first one asks the command to end all nodes. A second one does not wait for
 * that.
 */
export interface Interruption {
  /** aborted by the first signal, with its name as the reason */
  readonly signal: AbortSignal;
  /** the exit code after a signal; undefined before */
  exitCode(): number | undefined;
  /** the name of the signal; undefined before */
  by(): string | undefined;
}

export function listenForInterruption(world: World, onFirst: (by: string) => void): Interruption {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // each current run adds several, and there may be dozens of runs
  let by: StopReason | undefined;
  world.onStop((reason) => {
    if (by !== undefined) world.exitNow(EXIT[by]);
    by = reason;
    onFirst(WORDS[reason] ?? reason);
    controller.abort(WORDS[reason] ?? reason);
  });
  return {
    signal: controller.signal,
    exitCode: () => (by === undefined ? undefined : EXIT[by]),
    by: () => (by === undefined ? undefined : (WORDS[by] ?? by)),
  };
}

/** Used after `interrupted by`. */
const WORDS: Readonly<Partial<Record<StopReason, string>>> = {
  'broken-output': 'an output that cannot be written',
  bug: 'an unexpected error inside cnilab',
};
