import type { LabEvent } from '../events.ts';

export interface EventBuffer {
  readonly emit: (event: LabEvent) => void;
  /** Hands over the events so far, in order, and each later one as it comes. */
  forwardTo(reporters: { readonly emit: (event: LabEvent) => void }): void;
}

/** Keeps the events that come before there are reporters. */
export function createEventBuffer(): EventBuffer {
  const kept: LabEvent[] = [];
  let to: ((event: LabEvent) => void) | undefined;
  return {
    emit: (event) => {
      if (to === undefined) kept.push(event);
      else to(event);
    },
    forwardTo(reporters) {
      to = reporters.emit;
      for (const event of kept.splice(0)) to(event);
    },
  };
}
