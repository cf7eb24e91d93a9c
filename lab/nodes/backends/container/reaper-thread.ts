import { parentPort, workerData } from 'node:worker_threads';

import { getContainerRuntimeClient, getReaper, LABEL_TESTCONTAINERS_SESSION_ID } from 'testcontainers';
import { REAPER_IMAGE } from 'testcontainers/build/reaper/reaper.js';

/**
 * The thread that reaper.ts starts. It keeps testcontainers connected to its reaper while it runs. It is a thread
 * because testcontainers reads the engine from the environment, keeps it for the complete process, and cannot be
 * stopped while it waits. A thread has its own environment and can be ended alone.
 */
async function connect(): Promise<void> {
  const client = await getContainerRuntimeClient();
  const { dockerode } = client.container;
  const [asked, found] = [placeOf(workerData), placeOf(dockerode.modem)];
  if (found !== asked) throw new Error(`testcontainers is at ${found}, in place of ${asked}`);
  await dockerode.getImage(REAPER_IMAGE).inspect(); // otherwise testcontainers would pull it
  const { sessionId, containerId } = await getReaper(client);
  parentPort?.on('message', () => undefined); // the connection alone does not keep a thread alive
  parentPort?.postMessage({ containerId, label: LABEL_TESTCONTAINERS_SESSION_ID, sessionId });
}

/** The target of a request, from the options of dockerode or from what it made of them. */
function placeOf(options: unknown): string {
  const at = (key: string): unknown =>
    typeof options === 'object' && options !== null ? Reflect.get(options, key) : undefined;
  return at('socketPath') === undefined
    ? `${String(at('host'))}:${String(at('port'))}`
    : String(at('socketPath'));
}

void connect();
