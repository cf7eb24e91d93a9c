import { LabError } from '../core/lab-error.ts';
import type { AgentLink } from './agent-link.ts';

export interface ReadyWithinOptions {
  readonly name: string;
  readonly withinMs: number;
  /** gives up the start */
  readonly signal: AbortSignal;
}

/** Waits until a node can be used. LabError when it ends instead, when it takes too long, or when it is given up. */
export async function readyWithin(link: AgentLink, options: ReadyWithinOptions): Promise<void> {
  const { name, withinMs, signal } = options;
  signal.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  const otherwise = new Promise<never>((_, reject) => {
    const late = `node ${name} was not ready within ${withinMs} ms`;
    timer = setTimeout(() => reject(new LabError(late)), withinMs);
    giveUp = () => reject(new LabError(`the start of ${name} was given up`));
    signal.addEventListener('abort', giveUp);
  });
  try {
    await Promise.race([link.ready, otherwise]);
  } finally {
    clearTimeout(timer);
    if (giveUp !== undefined) signal.removeEventListener('abort', giveUp);
  }
}
