import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';

import type Dockerode from 'dockerode';
import * as v from 'valibot';

import { LabError, messageOf } from '../../../core/lab-error.ts';
import type { EngineAddress } from './address.ts';
import { check } from '../../../core/json.ts';

/** How long an engine may take for what it answers at once. On a busy machine that can be more than two seconds. */
export const ANSWER_WITHIN_MS = 5000;

/** A container engine with the Docker API. */
export interface Engine {
  readonly address: EngineAddress;
  readonly docker: Dockerode;
  /** The answer of the engine to a GET request, within this time. */
  get(path: string, withinMs: number): Promise<unknown>;
  /** Sends a POST request, for which dockerode has no method. */
  post(path: string, body: object): Promise<unknown>;
  /** All streams of a container that is not started yet, as one stream: its input, and its outputs in frames. */
  attach(containerId: string): Promise<Duplex>;
}

/** Does not contact the engine yet. An invalid address throws LabError. */
export async function connectTo(address: EngineAddress): Promise<Engine> {
  const { default: Docker } = await import('dockerode');
  let docker: Dockerode;
  try {
    docker = new Docker(dockerOptions(address));
  } catch (cause) {
    throw new LabError(`${JSON.stringify(address.url)} (${address.origin}) is no address of an engine`, {
      cause,
    });
  }
  return {
    address,
    docker,
    get: (path, withinMs) =>
      dial(docker, {
        path,
        method: 'GET',
        statusCodes: { 200: true },
        options: {},
        abortSignal: AbortSignal.timeout(withinMs),
      }),
    post: (path, options) =>
      dial(docker, { path, method: 'POST', statusCodes: { 200: true, 201: true }, options }),
    attach: (containerId) => attach(docker, containerId),
  };
}

/** All keys are set, because dockerode takes missing ones from DOCKER_HOST. */
export function dockerOptions({ url, tlsHostPath }: EngineAddress): Dockerode.DockerOptions {
  const none = {
    socketPath: undefined,
    host: undefined,
    port: undefined,
    username: undefined,
    protocol: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  const local = /^(?:unix|npipe):\/\/(\/.*)$/.exec(url)?.[1];
  if (local !== undefined) return { ...none, socketPath: local };
  const { protocol, hostname, port, username } = new URL(url);
  if (protocol === 'ssh:')
    return { ...none, protocol: 'ssh', host: hostname, port: port || 22, ...(username && { username }) };
  const read = (file: string) => readFileSync(join(tlsHostPath ?? '', file), 'utf8');
  const secured =
    tlsHostPath === undefined
      ? {}
      : { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem'), protocol: 'https' as const };
  return {
    ...none,
    host: hostname,
    port: port || (tlsHostPath === undefined ? 2375 : 2376),
    protocol: protocol === 'https:' ? 'https' : 'http',
    ...secured,
  };
}

/**
 * Replaces `attach` of dockerode, which sends its options as a body too. Podman would take that body for the first
 * bytes of the input of the container. Node only sends the request if there is a body, so the body is an empty line,
 * which the agent ignores.
 */
async function attach(docker: Dockerode, containerId: string): Promise<Duplex> {
  const stream = await dial(docker, {
    path: `/containers/${containerId}/attach?`,
    method: 'POST',
    isStream: true,
    hijack: true,
    openStdin: true,
    statusCodes: { 200: true, 101: true },
    options: { stream: true, stdin: true, stdout: true, stderr: true },
    file: Buffer.from('\n'),
  });
  if (!(stream instanceof Duplex)) throw new TypeError('an attached stream goes both ways');
  return stream;
}

/** One request through dockerode, for which it has no suitable method. */
function dial(docker: Dockerode, request: object): Promise<unknown> {
  const modem: unknown = docker.modem;
  if (!isDialer(modem)) throw new TypeError('dockerode has no modem');
  return new Promise((resolve, reject) => {
    modem.dial(request, (error, answer) => {
      if (error === null || error === undefined) resolve(answer);
      else reject(error);
    });
  });
}

interface Dialer {
  dial(request: object, done: (error: Error | null | undefined, answer: unknown) => void): void;
}

const isDialer = (modem: unknown): modem is Dialer =>
  typeof modem === 'object' && modem !== null && 'dial' in modem && typeof modem.dial === 'function';

/** An answer of an engine that is an error. */
export interface EngineRefusal {
  /** of HTTP; undefined if there was no answer */
  readonly status: number | undefined;
  readonly message: string;
}

const ANSWER = v.object({
  statusCode: v.optional(v.number()),
  json: v.fallback(v.optional(v.object({ message: v.string() })), undefined),
});

/** Reads what dockerode throws: an answer with a status, or a failed connection. */
export function refusalOf(thrown: unknown): EngineRefusal {
  const answer = check(ANSWER, thrown);
  const { statusCode, json } = answer.ok ? answer.value : {};
  return { status: statusCode, message: (json?.message ?? messageOf(thrown)).trim() };
}

/** An error with what the lab was doing and what the engine answered. */
export function engineError(
  doing: string,
  { address, thrown }: { address: EngineAddress; thrown: unknown },
): LabError {
  if (thrown instanceof LabError) return thrown;
  if (thrown instanceof TypeError) throw thrown; // a bug in the lab, not a problem of the engine
  const { status, message } = refusalOf(thrown);
  if (status === undefined) return new LabError(`${doing}: ${unreachable(address, thrown)}`);
  if (saysDiskFull(message))
    return new LabError(`${doing}: the disk of the container engine is full: ${message}`);
  return new LabError(`${doing}: the container engine said: ${message}`);
}

export const saysDiskFull = (message: string): boolean => /no space left on device|disk quota/i.test(message);

export const isGone = (thrown: unknown): boolean => refusalOf(thrown).status === 404;

const SYSTEM_ERROR = v.object({ code: v.string() });

/** Whether the error shows that no engine runs there, or none that this user may use. */
export function isNotThere(thrown: unknown): boolean {
  if (thrown instanceof LabError) return true; // the address is none
  const failed = check(SYSTEM_ERROR, thrown);
  return failed.ok && ['ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM'].includes(failed.value.code);
}

/** Why there was no answer. */
export function unreachable({ url, origin }: EngineAddress, thrown: unknown): string {
  const where = `${url} (${origin})`;
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
