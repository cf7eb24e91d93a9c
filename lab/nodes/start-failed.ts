import { CannotStart, LabError } from '../core/lab-error.ts';
import type { Runtime } from '../core/runtime.ts';
import { lackedBy, type Ask } from './kernel-kinds.ts';

/** A runtime was started, and it is certain that its CRI will not answer. The lines of its log that say why are in the message. */
export class StartFailed extends LabError {}

/** What the loader of the host's C library says in place of a program that it does not start. */
const NOT_EXECUTED = /error while loading shared libraries: |version `[^']+' not found|symbol lookup error: /;
const NO_ROOM =
  /no space left on device|cannot allocate memory|failed to create new OS thread|pthread_create failed/i;

/** A start that came to nothing: a StartFailed, or what the node or its host is to blame for. */
export async function startFailure(
  how: string,
  { runtime, log, ask }: { runtime: Runtime; log: string; ask: Ask },
): Promise<LabError> {
  const { name } = runtime;
  const lines = runtime.whyNotStarted(log);
  const told = [how, ...(lines.length === 0 ? [] : ['its log says', ...lines])].join('\n');
  const lineWith = (pattern: RegExp) => lines.find((line) => pattern.test(line));
  const notExecuted = lineWith(NOT_EXECUTED);
  if (notExecuted !== undefined) return new CannotStart(`${name} cannot be executed here: ${notExecuted}`);
  if (lineWith(NO_ROOM) !== undefined) return new LabError(`the node has no room for ${name}: ${told}`);
  const result = { argv: runtime.argv, exitCode: 1, stdout: '', stderr: lines.join('\n') };
  const lacked = await lackedBy(result, ask);
  return lacked === undefined
    ? new StartFailed(told)
    : new LabError(`the kernel of the node does not have ${lacked}, without which ${told}`);
}
