import { parentPort, workerData } from 'node:worker_threads';

import { getContainerRuntimeClient, getReaper, LABEL_TESTCONTAINERS_SESSION_ID } from 'testcontainers';
import { REAPER_IMAGE } from 'testcontainers/build/reaper/reaper.js';

/**
 * What reaper.ts starts: testcontainers, connected to its reaper for as long as this thread is. A thread, as testcontainers
 * finds the engine in the environment, keeps that for all of a process, and cannot be stopped while it waits: here the
 * environment is its own, and so is the end.
 */
async function connect(): Promise<void> {
  const client = await getContainerRuntimeClient();
  const { dockerode } = client.container;
  const [asked, found] = [placeOf(workerData), placeOf(dockerode.modem)];
  if (found !== asked) throw new Error(`testcontainers is at ${found}, in place of ${asked}`);
  await dockerode.getImage(REAPER_IMAGE).inspect(); // else testcontainers would pull it
  const { sessionId, containerId } = await getReaper(client);
  parentPort?.on('message', () => undefined); // the connection alone does not keep a thread going
  parentPort?.postMessage({ containerId, label: LABEL_TESTCONTAINERS_SESSION_ID, sessionId });
}

/** Where requests go, of dockerode's options or of what it made of them. */
function placeOf(options: unknown): string {
  const at = (key: string): unknown =>
    typeof options === 'object' && options !== null ? Reflect.get(options, key) : undefined;
  return at('socketPath') === undefined
    ? `${String(at('host'))}:${String(at('port'))}`
    : String(at('socketPath'));
}

void connect();
