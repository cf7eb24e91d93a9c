import { resolve } from 'node:path';

import { BadInput, LabError } from '../core/lab-error.ts';
import { fanOut, type Reporter } from '../report/reporter.ts';
import type { Plan } from '../plan/plan.ts';
import { worst } from '../judge/verdict.ts';
import { recordSession, type SessionRecorder } from '../record.ts';
import { nodeNameOf, runSession } from '../session.ts';
import { hostFacts, inotifyInstances } from '../host/machine.ts';
import { listenForInterruption, type Interruption } from './interruption.ts';
import {
  chooseBackend,
  clusterNodesAtOnce,
  nodesAhead,
  refuseClustersOn,
  sweepHost,
} from '../assembly/backends.ts';
import { kindRef, openArtifacts, readPins } from '../assembly/open-artifacts.ts';
import { createEventBuffer, type EventBuffer } from '../assembly/run-parts.ts';
import { emptyShard, takeShard } from '../assembly/shards.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
import { selectPlan } from '../assembly/selection.ts';
import type { RunFlags, World } from '../assembly/world.ts';
import { pointLatestAt, sessionFolder } from './output-folder.ts';
import { createReporters } from './reporters.ts';
import { EXIT } from './exit-codes.ts';

/** Time that the first node may need to look up its programs and start its first process; 10 ms on an idle machine. */
const FIRST_BEGINS_WITHIN_MS = 30;

/** `cnilab run`: plans, runs and reports. The worst outcome decides the exit code. */
export async function runCommand(world: World, names: readonly string[], flags: RunFlags): Promise<number> {
  if (names.length > 0 && flags.all === true)
    throw new BadInput(`--all runs every scenario; run it without ${names.join(' ')}`);
  if (names.length === 0 && flags.all !== true && flags.lastFailed !== true)
    throw new BadInput(
      'name a scenario, a file, a folder or a glob, or use --all; `cnilab list` shows what there is',
    );
  if (flags.durations !== undefined && flags.shard === undefined)
    throw new BadInput('--durations is for --shard, which takes a part of the runs');
  if (flags.failOnFlaky === true && (flags.retries ?? 0) === 0)
    throw new BadInput('--fail-on-flaky is for --retries, without which no run is flaky');
  if (flags.keep === true && (flags.retries ?? 0) > 0)
    throw new BadInput('--keep leaves the node of each run up, so it goes without --retries');
  if (flags.bail === true && flags.maxFailures !== undefined)
    throw new BadInput('--bail is the same as --max-failures 1; give one of the two');
  if (flags.update === true) return (await import('./update.ts')).updateCommand(world, names, flags);
  if (flags.watch === true) return (await import('./watch.ts')).watchCommand(world, names, flags);
  if (flags.yes === true) throw new BadInput('--yes is for --update');
  return (await runRecorded(world, names, flags)).exitCode;
}

/** Options of a run that come from another command, not from the user. */
export interface RunMore {
  /** used instead of reading the named scenarios */
  readonly plan?: () => Promise<Plan>;
  /** used instead of those that the flags specify */
  readonly reporters?: readonly Reporter[];
  /** used instead of its own */
  readonly interruption?: Interruption;
  /** if it is aborted, no further run is started */
  readonly stopStarting?: AbortSignal;
}

/**
 * The same, and returns the folder with the records. All scenarios are run if none is named. There is no folder if
 * nothing was run.
 */
export async function runRecorded(
  world: World,
  names: readonly string[],
  flags: RunFlags,
  more: RunMore = {},
): Promise<{ readonly exitCode: number; readonly outputHostPath?: string }> {
  const pins = readPins(world);
  const sessionId = world.randomId();
  const events = createEventBuffer();
  const { emit } = events;
  const note = (message: string) => emit({ kind: 'notice', message });
  const interruption = more.interruption ?? listenForInterruption(world, () => undefined);
  const { signal } = interruption;
  const interrupted = () => emit({ kind: 'interrupted', by: interruption.by() ?? '' });
  signal.addEventListener('abort', interrupted, { once: true });
  const chosen = chooseBackend(world, flags);
  const arch = await chosen.then(
    (choice) => choice.arch,
    () => world.arch, // if there is no backend, this is reported after the mistakes in the scenarios
  );
  const artifacts = openArtifacts(world, { pins, flags, emit, arch });
  // the first node starts while the scenarios are read; it gets nothing from them before all of them are valid
  const first = nodeNameOf(sessionId, 0);
  const choose = async () => (await chosen).backend;
  const nodes = nodesAhead(choose, { artifacts, emit, signal, mayBeKept: flags.keep === true, first });
  try {
    // reading blocks this thread, so it waits until the node has started, if the cache has everything for it
    await Promise.race([nodes.maker.catch(() => undefined), world.clock.sleep(FIRST_BEGINS_WITHIN_MS)]);
    const asked = more.plan ?? (() => selectPlan(world, { names, flags, pins, note }));
    const whole = withTimeout(await asked(), flags.timeout);
    if (whole.runs.length === 0 && flags.shard === undefined)
      return await reportNothing(world, { flags, events, reporters: more.reporters });
    const part = takeShard(whole, { ...flags, cwd: world.cwd });
    const { plan, shard, shards } = part;
    if (plan.runs.length === 0) note(emptyShard(part)); // it is recorded all the same, so that a merge does not miss it
    const backend = await nodes.backend;
    await refuseClustersOn(backend, plan);
    const outputHostPath = sessionFolder(world, { output: flags.output, sessionId });
    const reporters = fanOut(more.reporters ?? (await createReporters(world, flags)));
    events.forwardTo(reporters);
    const { found: swept, unanswered } = await sweepHost({ backends: [backend], artifacts });
    for (const message of swept) emit({ kind: 'notice', message });
    if (unanswered.length > 0) throw new LabError(unanswered.join('\n'));
    let session: SessionRecorder | undefined;
    try {
      const host = await hostFacts();
      const { labVersion } = world;
      const started = world.clock.date().toISOString();
      session = recordSession(outputHostPath, {
        ...{ labVersion, backend: backend.name, host, started, shard, shards, plan: whole },
      });
      const outcome = await runSession({
        plan,
        backend: backend.name,
        maker: nodes.maker,
        artifacts,
        kind: await kindRef(world, { flags, pins, artifacts, signal }),
        runtimes: RUNTIMES,
        sessionId,
        outputHostPath,
        jobs: flags.jobs ?? Math.ceil(world.cores * backend.jobsPerCore),
        clusterNodes: clusterNodesAtOnce(backend, await inotifyInstances()),
        keep: flags.keep === true,
        retries: flags.retries ?? 0,
        maxFailures: flags.bail === true ? 1 : (flags.maxFailures ?? Infinity),
        failOnFlaky: flags.failOnFlaky === true,
        ...(more.stopStarting === undefined ? {} : { stopStarting: more.stopStarting }),
        clock: world.clock,
        labVersion,
        host,
        signal,
        emit,
      });
      const by = interruption.by();
      const ended = world.clock.date().toISOString();
      session.ended({ time: ended, ...(by === undefined ? {} : { interruptedBy: by }) });
      const reported = await reporters.end();
      const exitCode = EXIT[reported ? outcome : worst([outcome, 'inconclusive'])];
      return { exitCode: interruption.exitCode() ?? exitCode, outputHostPath };
    } catch (thrown) {
      if (thrown instanceof BadInput) session?.neverBegan();
      throw thrown;
    } finally {
      await reporters.end();
      pointLatestAt(world, outputHostPath);
    }
  } catch (thrown) {
    const exitCode = interruption.exitCode();
    if (exitCode === undefined) throw thrown;
    return { exitCode };
  } finally {
    signal.removeEventListener('abort', interrupted);
    await nodes.end();
  }
}

/** The reports if the flags leave nothing to run. A notice has the reason. */
async function reportNothing(
  world: World,
  {
    flags,
    events,
    reporters: given,
  }: {
    readonly flags: RunFlags;
    readonly events: EventBuffer;
    readonly reporters: readonly Reporter[] | undefined;
  },
): Promise<{ readonly exitCode: number }> {
  const reporters = fanOut(given ?? (await createReporters(world, flags)));
  const outputHostPath = resolve(world.cwd, flags.output);
  reporters.emit({ kind: 'session-started', runs: [], backend: flags.backend, jobs: 0, outputHostPath });
  events.forwardTo(reporters);
  reporters.emit({ kind: 'session-ended', outcome: 'pass', durationMs: 0, outputHostPath });
  return { exitCode: EXIT[(await reporters.end()) ? 'pass' : 'inconclusive'] };
}

function withTimeout(plan: Plan, seconds: number | undefined): Plan {
  if (seconds === undefined) return plan;
  return {
    ...plan,
    runs: plan.runs.map((run) => ({
      ...run,
      steps: run.steps.map((step) => ({ ...step, timeoutMs: seconds * 1000 })),
    })),
  };
}
