import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';

import type Dockerode from 'dockerode';

import { LabError } from '../../../core/lab-error.ts';
import type { EngineAddress } from './address.ts';

/** A container engine that answers Docker's API. */
export interface Engine {
  readonly address: EngineAddress;
  readonly docker: Dockerode;
  /** What the engine answers to a GET, within this time. */
  get(path: string, withinMs: number): Promise<unknown>;
  /** All streams of a container that has not been started yet, as one: what goes in, and what comes out in frames. */
  attach(containerId: string): Promise<Duplex>;
}

/** Nothing is asked yet. What cannot be an address is a LabError. */
export async function connectTo(address: EngineAddress): Promise<Engine> {
  const { default: Docker } = await import('dockerode');
  let docker: Dockerode;
  try {
    docker = new Docker(dockerOptions(address));
  } catch (cause) {
    throw new LabError(`${JSON.stringify(address.url)} (${address.saidBy}) is no address of an engine`, {
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
    attach: (containerId) => attach(docker, containerId),
  };
}

/** All keys are given, as what is left out would be taken from DOCKER_HOST. */
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
 * Not dockerode's own `attach`: that sends its options as a body too, which Podman takes for the first bytes of the
 * container's input. Some body there must be, or Node does not send the request: an empty line, which an agent passes over.
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

/** One request of dockerode's, where it has no method that does just this. */
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
