import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import * as v from 'valibot';

import { check } from '../../../core/json.ts';
import { testcontainersProperties, type EngineHints } from './address.ts';
import { ANSWER_WITHIN_MS, dockerOptions, type Engine } from './engine.ts';
import type { ReaperLabels } from './spec.ts';

/**
 * The reaper of testcontainers, used by this lab. It removes everything with the labels after the lab is gone, however
 * the lab ended.
 */
export interface Reaper {
  readonly labels: ReaperLabels;
  /** Ends the connection of the lab. The reaper itself ends when it has had no connections for a while. */
  end(): Promise<void>;
}

export interface ReaperOptions {
  readonly engine: Engine;
  readonly env: EngineHints['env'];
  readonly exists: EngineHints['exists'];
  /** reaper-thread.ts, bundled */
  readonly threadHostPath: string;
}

const DEFAULT_IMAGE = 'testcontainers/ryuk:0.14.0'; // the image that this version of testcontainers uses
const THERE_WITHIN_MS = 6000;

/** The reaper image that testcontainers would use; undefined if the user has disabled the reaper. */
export function reaperImage(hints: Pick<EngineHints, 'env' | 'readFile'>): string | undefined {
  const { env } = hints;
  const disabled = env.TESTCONTAINERS_RYUK_DISABLED ?? testcontainersProperties(hints)['ryuk.disabled'];
  if (disabled === 'true') return undefined;
  const image = env.RYUK_CONTAINER_IMAGE || DEFAULT_IMAGE;
  const prefix = env.TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX;
  const hasRegistry = /^(?:[^/]*[.:][^/]*|localhost)\//.test(image);
  return !prefix || hasRegistry ? image : `${prefix.replace(/\/$/, '')}/${image}`;
}

/** The same if this engine already has the image. It is never pulled. */
export async function findReaperImage(
  engine: Engine,
  hints: Pick<EngineHints, 'env' | 'readFile'>,
): Promise<string | undefined> {
  const image = reaperImage(hints);
  if (image === undefined) return undefined;
  return engine.get(`/images/${image}/json`, ANSWER_WITHIN_MS).then(
    () => image,
    () => undefined,
  );
}

/**
 * Starts the reaper, or connects to a running one. Undefined if that is not possible, or takes too long: nodes end
 * without it too.
 */
export const startReaper = (options: ReaperOptions): Promise<Reaper | undefined> =>
  connectToReaper(options).catch(() => undefined);

async function connectToReaper(options: ReaperOptions): Promise<Reaper> {
  const { engine, threadHostPath } = options;
  const thread = new Worker(threadHostPath, {
    env: await threadEnv(options),
    workerData: dockerOptions(engine.address),
    execArgv: [],
    ...{ stdout: true, stderr: true }, // its output is not for the user of the lab
  });
  thread.on('error', () => undefined); // an error that ends it later does not concern the lab
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    const answers: unknown[] = await Promise.race([
      once(thread, 'message', { signal }),
      once(thread, 'exit', { signal }),
      sleep(THERE_WITHIN_MS, [], { signal }),
    ]);
    const { containerId, labels } = parseReaper(answers[0]);
    // must be a container of this engine, not of another one
    await engine.get(`/containers/${containerId}/json`, ANSWER_WITHIN_MS);
    thread.unref();
    return { labels, end: async () => void (await thread.terminate()) };
  } catch (thrown) {
    await thread.terminate();
    throw thrown;
  } finally {
    waiting.abort();
  }
}

/** The environment of the lab, with the engine of the lab. Throws if testcontainers cannot use that engine. */
async function threadEnv({
  engine,
  env,
  exists,
}: ReaperOptions): Promise<Record<string, string | undefined>> {
  const { url, tlsHostPath } = engine.address;
  const { socketPath, host, port, protocol } = dockerOptions(engine.address);
  if (protocol === 'ssh') throw new Error('testcontainers does not speak ssh');
  const isInContainer = exists('/.dockerenv') && socketPath !== undefined;
  return {
    ...env,
    DOCKER_HOST: socketPath === undefined ? `tcp://${String(host)}:${String(port)}` : url,
    DOCKER_TLS_VERIFY: tlsHostPath === undefined ? '0' : '1',
    DOCKER_CERT_PATH: tlsHostPath,
    ...(isInContainer && {
      // without it, testcontainers would find the address of the engine with a container whose image it pulls
      TESTCONTAINERS_HOST_OVERRIDE: env.TESTCONTAINERS_HOST_OVERRIDE ?? (await gatewayOf(engine)),
    }),
  };
}

/** The address at which containers of an engine, including this one, reach published ports. */
async function gatewayOf(engine: Engine): Promise<string> {
  const network = engine.address.url.includes('podman.sock') ? 'podman' : 'bridge';
  const networkJson = JSON.stringify(await engine.get(`/networks/${network}`, ANSWER_WITHIN_MS));
  const gateway = /"Gateway":"([^"]+)"/.exec(networkJson)?.[1];
  if (gateway === undefined) throw new Error(`the network ${network} has no gateway`);
  return gateway;
}

const REAPER = v.object({ containerId: v.string(), label: v.string(), sessionId: v.string() });

function parseReaper(answer: unknown): { readonly containerId: string; readonly labels: ReaperLabels } {
  const reaper = check(REAPER, answer);
  if (!reaper.ok) throw new Error('testcontainers did not come up with a reaper');
  const { containerId, label, sessionId } = reaper.value;
  return { containerId, labels: { [label]: sessionId } };
}
