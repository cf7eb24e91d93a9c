import { setMaxListeners } from 'node:events';
import { EXIT } from './exit-codes.ts';
import type { StopReason, World } from '../assembly/world.ts';

/** Ctrl-C and its like: the first one asks the command to take everything down, a second one does not wait for it. */
export interface Interruption {
  /** aborted by the first one, with its name as the reason */
  readonly signal: AbortSignal;
  /** the exit code, once there was one */
  exitCode(): number | undefined;
  /** its name, in the same case */
  by(): string | undefined;
}

export function listenForInterruption(world: World, onFirst: (by: string) => void): Interruption {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // some for each run that is on, which may be dozens
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

/** After `interrupted by`. */
const WORDS: Readonly<Partial<Record<StopReason, string>>> = {
  'broken-output': 'an output that cannot be written',
  bug: 'an unexpected error inside cnilab',
};
