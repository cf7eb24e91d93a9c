import { createHash } from 'node:crypto';
import { join } from 'node:path';

import * as v from 'valibot';

import { readJson } from '../../../core/json.ts';

/** The address of a container engine, and where the address comes from. */
export interface EngineAddress {
  /** unix:///var/run/docker.sock, npipe:////./pipe/docker_engine, tcp://host:2375, ssh://user@host */
  readonly url: string;
  /** the source in the words of its user: DOCKER_HOST, the context "colima", a socket that exists */
  readonly origin: string;
  /** a directory with ca.pem, cert.pem and key.pem */
  readonly tlsHostPath?: string;
}

/** The sources on the machine of the user that can specify an engine. */
export interface EngineHints {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly uid: number | undefined;
  readonly exists: (hostPath: string) => boolean;
  /** undefined if it cannot be read */
  readonly readFile: (hostPath: string) => string | undefined;
}

/**
 * The engine that the docker command and testcontainers would use. An engine that was specified is never replaced by
 * another one that answers. testcontainers itself would silently try the next one.
 */
export function findAddress(hints: EngineHints): EngineAddress | undefined {
  const { env } = hints;
  const home = homeOf(hints);
  const properties = testcontainersProperties(hints);
  const named = (url: string | undefined, origin: string): EngineAddress | undefined =>
    url === undefined || url === '' ? undefined : { url, origin };
  const tlsHostPath = env.DOCKER_TLS_VERIFY
    ? env.DOCKER_CERT_PATH || join(home, '.docker')
    : properties['docker.tls.verify'] === '1'
      ? properties['docker.cert.path']
      : undefined;
  const fromHost =
    named(properties['tc.host'], 'tc.host in ~/.testcontainers.properties') ??
    named(env.DOCKER_HOST, 'DOCKER_HOST') ??
    named(properties['docker.host'], 'docker.host in ~/.testcontainers.properties');
  if (fromHost !== undefined) return { ...fromHost, ...(tlsHostPath === undefined ? {} : { tlsHostPath }) };
  return contextAddress(env.DOCKER_CONFIG || join(home, '.docker'), hints) ?? socketAddress(home, hints);
}

const CONFIG = v.object({ currentContext: v.string() });
const META = v.object({ Endpoints: v.object({ docker: v.object({ Host: v.string() }) }) });

/** The current context of the docker command. `default` means the usual socket. */
function contextAddress(configHostPath: string, { env, readFile }: EngineHints): EngineAddress | undefined {
  const config = readFile(join(configHostPath, 'config.json'));
  const name = env.DOCKER_CONTEXT || readJson(CONFIG, config ?? '')?.currentContext;
  if (name === undefined || name === '' || name === 'default') return undefined;
  const id = createHash('sha256').update(name).digest('hex');
  const meta = readFile(join(configHostPath, 'contexts/meta', id, 'meta.json'));
  const url = readJson(META, meta ?? '')?.Endpoints.docker.Host;
  const origin = `the docker context ${JSON.stringify(name)}`;
  // a missing context is still what the user specified; its absence is reported when the engine is asked
  if (url === undefined) return { url: '', origin };
  const tls = join(configHostPath, 'contexts/tls', id, 'docker');
  return {
    url,
    origin,
    ...(readFile(join(tls, 'ca.pem')) === undefined ? {} : { tlsHostPath: tls }),
  };
}

function socketAddress(home: string, { env, platform, uid, exists }: EngineHints): EngineAddress | undefined {
  if (platform === 'win32')
    return { url: 'npipe:////./pipe/docker_engine', origin: 'the pipe of Docker Desktop' };
  const socket = usualSockets({ home, runtime: env.XDG_RUNTIME_DIR, uid }).find(exists);
  return socket === undefined ? undefined : { url: `unix://${socket}`, origin: 'the usual socket' };
}

export const usualSockets = ({
  home,
  runtime,
  uid,
}: {
  home: string;
  runtime: string | undefined;
  uid: number | undefined;
}): readonly string[] => [
  '/var/run/docker.sock',
  ...(runtime ? [join(runtime, 'docker.sock')] : []),
  join(home, '.docker/run/docker.sock'),
  join(home, '.docker/desktop/docker.sock'),
  ...(uid === undefined ? [] : [`/run/user/${uid}/docker.sock`]),
  '/run/podman/podman.sock',
  ...(runtime ? [join(runtime, 'podman/podman.sock')] : []),
];

const homeOf = ({ env }: Pick<EngineHints, 'env'>): string => env.HOME || env.USERPROFILE || '/';

/** Reads ~/.testcontainers.properties: lines of the form `key = value`, as Java writes them. */
export function testcontainersProperties(
  hints: Pick<EngineHints, 'env' | 'readFile'>,
): Readonly<Record<string, string>> {
  const text = hints.readFile(join(homeOf(hints), '.testcontainers.properties')) ?? '';
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^\s*([\w.]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value.replaceAll('\\', '')]];
    }),
  );
}
