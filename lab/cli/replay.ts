import { resolve } from 'node:path';

import { nameCall } from '../core/cni-call.ts';
import { BadInput, CleanupStack, LabError } from '../core/lab-error.ts';
import { readRecorded } from '../assembly/recorded.ts';
import { callToRepeat, requestOf, writeWhatStepsWrote, type CallToRepeat } from '../assembly/replay-call.ts';
import { startPlannedNode } from '../assembly/one-node.ts';
import type { NodeFlags, World } from '../assembly/world.ts';
import { fanOut } from '../report/reporter.ts';
import { listenForInterruption } from './interruption.ts';
import { enterCommand } from './kept.ts';
import { createReporters } from './reporters.ts';

export interface ReplayFlags extends NodeFlags {
  /** a running node; if missing, a fresh node of the plan of the run is started */
  readonly node?: string;
  /** for a run with several nodes, the node of the call */
  readonly on?: string;
}

/**
 * `cnilab replay`: repeats one recorded call with the same plugin, input and environment. It uses a fresh node with the
 * files that earlier steps wrote, or a running node. Reports differences from the recording before and after the call.
 */
export async function replayCommand(
  world: World,
  folder: string,
  { number, flags }: { number: number; flags: ReplayFlags },
): Promise<number> {
  const [recorded, second] = readRecorded(resolve(world.cwd, folder));
  if (recorded === undefined || second !== undefined)
    throw new BadInput(`a call is of one run; ${folder} holds several: name the folder of one`);
  const call = callToRepeat(recorded, { number, on: flags.on });
  const { parent, stepId } = call.call;
  world.err.write(`call ${number}: ${nameCall(call.call)}, made by ${parent.name} in ${stepId}\n`);
  const request = requestOf(call.call);
  if (flags.node !== undefined) {
    if (request.length > ARGUMENT_LIMIT)
      throw new BadInput(`call ${number} is too large for a node that is up; leave --node out`);
    world.err.write(`differs before: the node is ${flags.node} as it is now\n`);
    return enterCommand(world, flags.node, [...REPLAY, request]);
  }
  return onFreshNode(world, { call, request, flags });
}

/** For one argument of a command, in bytes; the limit of the kernel is 128 KiB. */
const ARGUMENT_LIMIT = 120_000;

const REPLAY = ['/lab/bin/agent', 'cni', 'replay'];

interface FreshNode {
  readonly call: CallToRepeat;
  readonly request: string;
  readonly flags: ReplayFlags;
}

async function onFreshNode(world: World, { call, request, flags }: FreshNode): Promise<number> {
  const reporters = fanOut(await createReporters(world, {}));
  const { emit } = reporters;
  const interruption = listenForInterruption(world, (by) => emit({ kind: 'interrupted', by }));
  const { signal } = interruption;
  const cleanup = new CleanupStack();
  try {
    const one = await startPlannedNode(world, {
      ...{ run: call.run, flags, emit, cleanup, signal },
      name: `lab-${world.randomId()}`,
      containers: false,
      onRuntimeEnd: () => {},
    });
    for (const difference of await writeWhatStepsWrote(one, call, world.clock))
      world.err.write(`differs before: ${difference}\n`);
    const result = await one.node.exec([...REPLAY, '-'], { stdin: request, timeoutMs: REPLAY_TIMEOUT_MS });
    world.out.write(result.stdout);
    world.err.write(result.stderr);
    if (result.exitCode === null)
      throw new LabError(`the call did not end within ${REPLAY_TIMEOUT_MS / 1000} s and was ended`);
    return result.exitCode;
  } catch (thrown) {
    const exitCode = interruption.exitCode();
    if (exitCode === undefined) throw thrown;
    return exitCode;
  } finally {
    const failures = await cleanup.run();
    for (const { what, message } of failures) world.err.write(`${what} was not cleaned up: ${message}\n`);
    await reporters.end();
  }
}

const REPLAY_TIMEOUT_MS = 60_000;
