import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { startOneNode } from '../assembly/one-node.ts';
import type { World } from '../assembly/world.ts';
import { FAKE_PROGRAM } from '../core/fake-plugin.ts';
import type { Recorded } from '../core/recorded.ts';
import { CleanupStack, BadInput, once } from '../core/lab-error.ts';
import type { LabEvent } from '../events.ts';
import { importImages } from '../nodes/provision.ts';
import type { StepperOptions } from '../steps/stepper.ts';
import { NodeHistory } from './node-history.ts';
import { scenarioOf, type NodeRequest } from './node-request.ts';
import { StartedNode } from './started-node.ts';

export interface StartOptions {
  /** ends the node, or aborts its start */
  readonly signal?: AbortSignal;
  /** called with a line for work that takes longer than a moment: downloads, builds, preparations */
  readonly onProgress?: (line: string) => void;
}

/** The requested node, on a backend that works here. If the start fails, everything that was started is ended. */
export async function startNode(
  world: World,
  request: NodeRequest,
  { signal = new AbortController().signal, onProgress = () => undefined }: StartOptions,
): Promise<StartedNode> {
  for (const path of request.ownPlugins) checkPlugin(resolve(world.cwd, path));
  const cleanup = new CleanupStack();
  let history: NodeHistory | undefined;
  const early: Recorded[] = [];
  try {
    const { node, runtime, backend, artifacts, runtimeVersion, emulated, unread } = await startOneNode(
      world,
      {
        scenario: scenarioOf(request),
        flags: { backend: request.backend },
        name: `lab-${world.randomId()}`,
        containers: false,
        emit: (event) => reportProgress(event, onProgress),
        cleanup,
        onRuntimeEnd: (end) => history?.runtimeEnded(end),
        onRecorded: (record) => (history === undefined ? early.push(record) : history.recorded(record)),
        signal,
      },
    );
    if (unread !== undefined) throw new BadInput(`withRuntimeConfig: ${unread}`);
    let scripted: StepperOptions['artifact'] | undefined;
    history = new NodeHistory({
      ...{ node, runtime, runtimeVersion, clock: world.clock, emulated },
      ...{ record: request.recordsCalls, runtimeConfig: request.runtimeConfig ?? {} },
      artifact: (ref) => {
        if (scripted === undefined) throw new Error(`${ref.component} was not brought`);
        return scripted(ref);
      },
    });
    for (const record of early) history.recorded(record);
    await history.begin();
    return new StartedNode({
      node,
      history,
      backend,
      runtimeVersion,
      cleanup,
      bringImage: once(async () =>
        importImages(node, runtime.kind, [await artifacts.ensureOwn('app-image', signal)]),
      ),
      bringScripted: async () => {
        scripted ??= await artifacts.ensureAll([FAKE_PROGRAM], signal);
      },
    });
  } catch (thrown) {
    await cleanup.run();
    throw thrown;
  }
}

function checkPlugin(hostPath: string): void {
  const stat = statSync(hostPath, { throwIfNoEntry: false });
  if (stat?.isFile() === true) return;
  throw new BadInput(
    `withPlugin wants the file of one plugin; ${hostPath} ${stat === undefined ? 'does not exist' : 'is none'}`,
  );
}

function reportProgress(event: LabEvent, onProgress: (line: string) => void): void {
  if (event.kind === 'progress' && !event.done) onProgress(`${event.what}: ${event.how}`);
  if (event.kind === 'notice') onProgress(event.message);
}
