import type { ArtifactEvent } from '../artifacts/events.ts';
import type { LabEvent } from '../events.ts';
import { unreachable } from '../core/unreachable.ts';

const MIB = 1024 * 1024;

/** What fetching has to say, as an event of the lab. */
export function artifactNews(event: ArtifactEvent): LabEvent {
  const { what } = event;
  switch (event.kind) {
    case 'artifact-progress':
      return { kind: 'progress', what, how: `${event.source}: ${event.step}${amount(event)}`, done: false };
    case 'artifact-waiting':
      return { kind: 'progress', what, how: 'another lab is making it; waiting', done: false };
    case 'artifact-refused':
      return { kind: 'progress', what, how: `not from ${event.source}: ${event.why}`, done: false };
    case 'artifact-instead': {
      const { source, broken } = event;
      return {
        kind: 'notice',
        message: `${what} is from ${source}, because ${broken.source} does not serve: ${broken.why}`,
      };
    }
    case 'artifact-damaged':
      return { kind: 'notice', message: `${what} in the cache is damaged and is made again: ${event.why}` };
    case 'artifact-ready':
      return { kind: 'progress', what, how: `ready, from ${event.artifact.source}`, done: true };
    default:
      return unreachable(event);
  }
}

function amount({
  doneBytes,
  totalBytes,
}: {
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}): string {
  if (doneBytes === undefined) return '';
  const done = (doneBytes / MIB).toFixed(1);
  return totalBytes === undefined ? ` ${done} MiB` : ` ${done} of ${(totalBytes / MIB).toFixed(1)} MiB`;
}
