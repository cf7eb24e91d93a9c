import * as v from 'valibot';

import { check } from '../../../core/machine-json.ts';
import { LabError, messageOf } from '../../../core/lab-error.ts';
import type { EngineAddress } from './address.ts';

/** What an engine's answer to a request was, when it was none that was hoped for. */
export interface EngineRefusal {
  /** of HTTP; undefined when no answer came */
  readonly status: number | undefined;
  readonly message: string;
}

const ANSWER = v.object({
  statusCode: v.optional(v.number()),
  json: v.fallback(v.optional(v.object({ message: v.string() })), undefined),
});

/** Reads what dockerode throws: an answer with a status, or a connection that failed. */
export function refusalOf(thrown: unknown): EngineRefusal {
  const answer = check(ANSWER, thrown);
  const { statusCode, json } = answer.ok ? answer.value : {};
  return { status: statusCode, message: (json?.message ?? messageOf(thrown)).trim() };
}

/** What the lab was doing, and what the engine said instead of doing it. */
export function engineError(
  doing: string,
  { address, thrown }: { address: EngineAddress; thrown: unknown },
): LabError {
  if (thrown instanceof LabError) return thrown;
  if (thrown instanceof TypeError) throw thrown; // a bug, and not the engine's
  const { status, message } = refusalOf(thrown);
  if (status === undefined) return new LabError(`${doing}: ${unreachable(address, thrown)}`);
  if (saysDiskFull(message))
    return new LabError(`${doing}: the disk of the container engine is full: ${message}`);
  return new LabError(`${doing}: the container engine said: ${message}`);
}

export const saysDiskFull = (message: string): boolean => /no space left on device|disk quota/i.test(message);

export const isGone = (thrown: unknown): boolean => refusalOf(thrown).status === 404;

const SYSTEM_ERROR = v.object({ code: v.string() });

/** Why no answer came. */
export function unreachable({ url, saidBy }: EngineAddress, thrown: unknown): string {
  const where = `${url} (${saidBy})`;
  const failed = check(SYSTEM_ERROR, thrown);
  switch (failed.ok ? failed.value.code : undefined) {
    case 'ENOENT':
      return `there is no ${where}: its engine is not running`;
    case 'ECONNREFUSED':
      return `nothing answers at ${where}: its engine is not running`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not use ${where}`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `the container engine at ${where} went away`;
    case 'ABORT_ERR':
      return `the container engine at ${where} does not answer`;
    default:
      return `the container engine at ${where} cannot be asked: ${messageOf(thrown)}`;
  }
}
