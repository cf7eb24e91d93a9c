import type { LabEvent } from '../events.ts';

/** Takes what the lab says before there are reporters, and tells them all of it, in order, once there are. */
export function holdNews(): {
  readonly emit: (event: LabEvent) => void;
  tell(reporters: { readonly emit: (event: LabEvent) => void }): void;
} {
  const held: LabEvent[] = [];
  let to: ((event: LabEvent) => void) | undefined;
  return {
    emit: (event) => {
      if (to === undefined) held.push(event);
      else to(event);
    },
    tell(reporters) {
      to = reporters.emit;
      for (const event of held.splice(0)) to(event);
    },
  };
}
