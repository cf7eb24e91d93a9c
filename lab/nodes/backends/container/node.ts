import { setTimeout as sleep } from 'node:timers/promises';

import * as v from 'valibot';

import { check } from '../../../core/json.ts';
import { once } from '../../../core/lab-error.ts';
import type { NodeLimits, SystemCalls } from '../../../core/node-state.ts';
import { openAgentLink, readyWithin, agentNode } from '../../agent-link.ts';
import { parseNothing } from '../../agent-protocol.ts';
import type { RunningNode } from '../../node.ts';
import { removeContainer, removeUnusedSegment, demux } from './containers.ts';
import { ANSWER_WITHIN_MS, type Engine, engineError, isGone, refusalOf, unreachable } from './engine.ts';
import {
  keptName,
  nodeContainer,
  segmentContainer,
  type EngineBackend,
  type InGroup,
  type Moment,
  type Powers,
  type ReaperLabels,
  type Owner,
} from './spec.ts';
import type { ArtifactVolume } from './volume.ts';

export interface ContainerNodeOptions {
  readonly backend: EngineBackend;
  readonly engine: Engine;
  readonly name: string;
  readonly image: string;
  readonly owner: Owner;
  readonly now: Moment;
  readonly powers: Powers;
  readonly reaperLabels: ReaperLabels;
  readonly limits: Required<NodeLimits>;
  readonly systemCalls: SystemCalls;
  readonly volume: ArtifactVolume;
  readonly inGroup?: InGroup | undefined;
  /** aborts a start */
  readonly signal: AbortSignal;
}

const READY_WITHIN_MS = 60_000;
const END_KNOWN_WITHIN_MS = 2000;

/** Whether the error shows that an engine does not have all the capabilities of a privileged container. */
export const cannotBePrivileged = (thrown: unknown): boolean =>
  /unable to apply caps|can't apply capabilities|cannot apply capabilities/i.test(refusalOf(thrown).message);

/** Starts the container that holds the network of a group. Throws like `startContainerNode`. */
export async function startSegmentContainer(
  options: Omit<ContainerNodeOptions, 'limits' | 'systemCalls' | 'volume' | 'inGroup'>,
): Promise<{ readonly id: string; close(): Promise<void> }> {
  const { engine, backend } = options;
  const { id } = await engine.docker.createContainer(segmentContainer(options));
  try {
    const { link, letGo } = await startAgent(options, id);
    return {
      id,
      async close() {
        link.close();
        letGo();
        await removeUnusedSegment(engine, { id, backend });
      },
    };
  } catch (thrown) {
    await removeContainer(engine, id).catch(() => undefined); // only the reason why it did not start matters
    throw thrown;
  }
}

/** Throws what dockerode throws if the container does not start, and LabError after that. Then nothing is left. */
export async function startContainerNode(options: ContainerNodeOptions): Promise<RunningNode> {
  const { engine, name, volume } = options;
  const startedMs = performance.now();
  await volume.folder(); // made before the first container that mounts it
  const { id } = await engine.docker.createContainer(nodeContainer(options));
  try {
    const { link, isLost, letGo } = await startAgent(options, id);
    const node = agentNode(name, link, (artifact) => volume.provide(artifact));
    const startMs = Math.round(performance.now() - startedMs);
    await volume.learn(node);
    return {
      ...node,
      startMs,
      end: once(async () => {
        link.close();
        await removeContainer(engine, id).catch((thrown: unknown) => {
          if (!isLost()) throw engineError(`removing node ${name}`, { address: engine.address, thrown });
          // the engine is gone, which was reported; it removes the container when it starts again
        });
      }),
      async keep() {
        await engine.docker.getContainer(id).rename({ name: keptName(name) });
        await link.request({ op: 'keep' }, parseNothing);
        link.close();
        letGo();
      },
    };
  } catch (thrown) {
    await removeContainer(engine, id).catch(() => undefined); // only the reason why it did not start matters
    throw thrown;
  }
}

async function startAgent(
  { engine, name, signal }: Pick<ContainerNodeOptions, 'engine' | 'name' | 'signal'>,
  id: string,
) {
  const container = engine.docker.getContainer(id);
  const stream = await engine.attach(id);
  const { stdout, stderr } = demux(stream);
  let output = '';
  stderr.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(-4000)));
  await container.start();
  const waiting = new AbortController();
  const exited = container.wait({ abortSignal: waiting.signal }).then(
    (end: unknown) => ({ exitCode: exitCodeOf(end) }),
    (thrown: unknown) => ({ thrown }),
  );
  let lost = false;
  const link = openAgentLink(name, {
    input: stream,
    output: stdout,
    async whyEnded() {
      const lastLines = output.trim().split('\n').slice(-10).join('\n');
      if (lastLines !== '') return lastLines;
      const why = await whyItEnded(engine, exited);
      ({ lost } = why);
      return why.text;
    },
  });
  await readyWithin(link, { name, withinMs: READY_WITHIN_MS, signal });
  /** Open connections would keep the process of the lab alive. */
  const letGo = () => {
    waiting.abort();
    stream.destroy();
  };
  return { link, isLost: () => lost, letGo };
}

type End = { readonly exitCode: number | undefined } | { readonly thrown: unknown };

/**
 * An engine that is gone does not report how a container ended, and dockerode then waits forever. So the engine is
 * contacted first.
 */
async function whyItEnded(engine: Engine, exited: Promise<End>): Promise<{ text: string; lost: boolean }> {
  const gone = await engine.get('/_ping', ANSWER_WITHIN_MS).then(
    () => undefined,
    (thrown: unknown) => ({ thrown }),
  );
  if (gone !== undefined) return { text: unreachable(engine.address, gone.thrown), lost: true };
  const known = new AbortController(); // a timer that is still running would delay the end of the lab
  const unknown = { exitCode: undefined };
  const late = sleep(END_KNOWN_WITHIN_MS, unknown, { signal: known.signal }).catch(() => unknown);
  const end = await Promise.race([exited, late]);
  known.abort();
  if ('thrown' in end && !isGone(end.thrown))
    return { text: unreachable(engine.address, end.thrown), lost: true };
  if ('thrown' in end || end.exitCode === undefined)
    return { text: 'its container was removed', lost: false };
  const byWhom =
    end.exitCode === ENDED_ON_REQUEST ? ': something asked it to, as when its engine is stopped' : '';
  return {
    text: `its container ended with ${end.exitCode}${byWhom}`,
    lost: end.exitCode === ENDED_ON_REQUEST,
  };
}

/** The exit code of the agent after SIGTERM. */
const ENDED_ON_REQUEST = 143;

const END = v.object({ StatusCode: v.number() });

function exitCodeOf(end: unknown): number | undefined {
  const read = check(END, end);
  return read.ok ? read.value.StatusCode : undefined;
}
