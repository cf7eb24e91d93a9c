import type { Artifact } from './artifacts/artifact.ts';
import { advise, CleanupStack, LabError, messageOf } from './core/lab-error.ts';
import type { Clock } from './core/ports.ts';
import type { LabEvent } from './events.ts';
import { judge } from './judge/judge.ts';
import { mayHaveToSettle, settlingOf } from './judge/settling.ts';
import { worst, type Finding, type Verdict } from './judge/verdict.ts';
import { artifactsOf, bringUpNode, type BringUpOptions, type NodeParts } from './nodes/bring-up.ts';
import { dumpConfig } from './nodes/node-runtime.ts';
import type { BackendName } from './nodes/node.ts';
import type { JournalEntry, Observation, ObservedOn } from './observe/observation.ts';
import { nodeRuns, type NodeRun, type RunPlan } from './plan/plan.ts';
import type { RunRecord } from './record.ts';
import {
  artifactsOfCluster,
  nameOnHost,
  startGroup,
  type RunGroup,
  type RunGroupOptions,
} from './run-group.ts';
import { toAnswer } from './steps/runtime.ts';
import { runSteps } from './steps/run-steps.ts';
import { settleMs } from './steps/settle.ts';
import type { SeenNow } from './steps/stepper.ts';

export interface RunOptions extends Omit<RunGroupOptions, 'parts' | 'cleanup'> {
  readonly backend: BackendName;
  /** Throws LabError if one of them is not available. */
  readonly parts: (node: NodeRun) => Promise<NodeParts>;
  /** the files of the run and their directory */
  readonly record: RunRecord;
  readonly clock: Clock;
  readonly labVersion: string;
  readonly host: Readonly<Record<string, string>>;
  /** keep the node for the user */
  readonly keep: boolean;
  readonly emit: (event: LabEvent) => void;
}

/**
 * The life of one run. Starts fresh nodes with the versions of the plan, usually one. Executes its steps, each followed
 * by a look. Ends the nodes. Returns the verdict. Every observation is written to the journal immediately, and the
 * judge reads nothing else.
 */
export async function runOne(options: RunOptions): Promise<Verdict> {
  const { run, nodeName, backend, maker, runtimes, record, outputHostPath, clock, keep, emit } = options;
  const signal = AbortSignal.any([options.signal, record.broken]);
  const startedMs = clock.now();
  const entries: JournalEntry[] = [];
  const observe = (observation: Observation & ObservedOn): void => {
    const entry = { ...observation, atMs: clock.now() - startedMs };
    entries.push(entry);
    record.observed(entry);
    emit({ kind: 'observed', run, entry });
  };
  let stepId = 'start';
  const cleanup = new CleanupStack();
  const kept: Kept[] = [];
  let group: RunGroup | undefined;

  emit({ kind: 'run-started', run, outputHostPath });
  observe({
    kind: 'run-started',
    formatVersion: 3,
    labVersion: options.labVersion,
    time: clock.date().toISOString(),
    backend,
    host: options.host,
  });
  let during = 'bringing what the node is made of';
  try {
    signal.throwIfAborted();
    const planned = await Promise.all(
      nodeRuns(run).map(async (own) => ({ own, parts: await options.parts(own) })),
    );
    for (const { own, parts } of planned)
      for (const artifact of artifactsOf(parts))
        observe({ kind: 'artifact', ...provenance(artifact), ...seenOn(own) });
    for (const artifact of [...artifactsOfCluster(options), ...maker.artifacts])
      observe({ kind: 'artifact', ...provenance(artifact) });

    during = `starting node ${nodeName}`;
    const parts = planned.map((one) => one.parts);
    const nodesIn = await startGroup({ ...options, parts, cleanup, signal });
    group = nodesIn;
    const nodes = await allOf(
      planned.map(({ own, parts }) =>
        startNode({
          ...{ own, parts, maker: nodesIn, name: nameOnHost(nodeName, own), clock, cleanup, signal },
          runtime: runtimes[own.node.runtime.component],
          stepId: () => stepId,
          observe: (observation) => observe({ ...observation, ...seenOn(own) }),
        }),
      ),
    );

    const goesOn = nodes.every((one) => one.goesOn);
    during = 'starting Kubernetes';
    const cluster =
      run.cluster === undefined || !goesOn
        ? undefined
        : await group.startCluster({
            kubernetes: options.artifact(run.cluster.kubernetes),
            etcd: options.artifact(run.cluster.etcd),
            nodes: nodes.map(({ own, node, runtime }) => ({ name: own.name ?? '', node, runtime })),
            ...{ emulated: maker.emulated ?? false, clock, signal },
            onPart: (part) => observe({ kind: 'cluster-part', ...part }),
          });
    during = 'the steps';
    await runSteps({
      run: goesOn ? run : { ...run, steps: [] },
      nodes,
      ...(cluster === undefined ? {} : { cluster }),
      clock,
      artifact: options.artifact,
      signal,
      settling: (stepId, seen, node) =>
        mayHaveToSettle(run, stepId)
          ? settlingOf(run, [...entries, ...seenAs({ ...seen, stepId, node })], { stepId, node, runtimes })
          : 'settled',
      settleMs: settleMs(maker),
      observe: (observation) => {
        if (observation.kind === 'step-started') ({ stepId } = observation);
        observe(observation);
      },
    });
    during = 'reading what the node used';
    for (const { own, node } of nodes) observe({ kind: 'usage', usage: await node.usage(), ...seenOn(own) });
    for (const { node } of keep ? nodes : []) {
      await node.keep();
      kept.push({ enter: ['cnilab', 'enter', node.name], end: ['cnilab', 'down', node.name] });
    }
    if (keep) await group.close();
  } catch (thrown) {
    if (options.signal.aborted) observe({ kind: 'interrupted', by: String(options.signal.reason) });
    else if (!record.broken.aborted)
      observe({
        kind: 'lab-failure',
        during,
        message: thrown instanceof LabError ? advise(messageOf(thrown)) : stackOf(thrown),
      });
  }
  if (!options.signal.aborted) await exportLogs(group, { options, entries });
  if (kept.length === 0) {
    for (const failure of await cleanup.run()) observe({ kind: 'cleanup-failure', ...failure });
  }
  const brokeBefore = record.broken.aborted;
  if (brokeBefore) {
    observe({ kind: 'lab-failure', during: 'recording the run', message: messageOf(record.broken.reason) });
  }
  observe({ kind: 'run-ended', entries: entries.length + 1 });

  const judged = judge(run, entries, runtimes);
  record.judged(judged);
  const brokeLast = record.broken.aborted && !brokeBefore;
  const verdict = brokeLast ? withUnrecorded(judged, { run, why: messageOf(record.broken.reason) }) : judged;
  const durationMs = clock.now() - startedMs;
  emit({
    kind: 'run-ended',
    run,
    verdict,
    entries,
    durationMs,
    outputHostPath,
    ...(kept.length === 0 ? {} : { kept }),
  });
  return verdict;
}

type Kept = NonNullable<Extract<LabEvent, { kind: 'run-ended' }>['kept']>[number];

const seenOn = ({ name }: Pick<NodeRun, 'name'>): ObservedOn => (name === undefined ? {} : { node: name });

/** Keeps the logs of a cluster whose run does not pass. */
async function exportLogs(
  group: RunGroup | undefined,
  {
    options: { run, runtimes, emit },
    entries,
  }: { readonly options: RunOptions; readonly entries: readonly JournalEntry[] },
): Promise<void> {
  if (group?.exportLogs === undefined) return;
  const ended = { kind: 'run-ended', entries: entries.length + 1, atMs: 0 } as const;
  if (judge(run, [...entries, ended], runtimes).outcome === 'pass') return;
  await group.exportLogs().catch((thrown: unknown) => {
    emit({
      kind: 'notice',
      message: `not all logs of the cluster of ${run.title} were exported: ${messageOf(thrown)}`,
    });
  });
}

interface StartOptions extends Omit<BringUpOptions, 'plan' | 'onRuntimeEnd' | 'onRecorded'> {
  readonly own: NodeRun;
  readonly stepId: () => string;
  readonly observe: (observation: Observation) => void;
}

/** A running node, and whether steps can be executed on it. */
async function startNode({ own, stepId, observe, ...options }: StartOptions) {
  const { node, runtime, startFailed, ...ready } = await bringUpNode({
    ...options,
    plan: own.node,
    onRuntimeEnd: (end) => observe({ kind: 'runtime-ended', stepId: stepId(), ...end }),
    onRecorded: (record) => observe({ ...record, stepId: stepId() }),
  });
  observe({ kind: 'node-ready', name: options.name, ...ready });
  if (startFailed !== undefined) {
    const { runtimeMs: waitedMs } = ready;
    const waited = { what: toAnswer(runtime.kind), met: false, timedOut: false, waitedMs } as const;
    observe({ kind: 'waited', stepId: 'start', ...waited, lastSeen: startFailed.message });
  }
  if (Object.keys(own.node.runtimeConfig).length > 0) {
    observe({ kind: 'command', stepId: 'start', result: await dumpConfig(node, runtime.kind) });
  }
  const goesOn = startFailed === undefined || (own.start?.runtime ?? 'running') !== 'running';
  return { ...(own.name === undefined ? {} : { name: own.name }), own, node, runtime, goesOn };
}

/**
 * Returns all of them, or throws the first error after all have settled, so that everything that was started is
 * registered for the clean-up.
 */
async function allOf<T>(starting: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(starting);
  return Promise.all(starting);
}

/** If the end of the record is missing, nobody can judge the run again. So it does not pass, whatever was observed. */
function withUnrecorded(
  { outcome, findings }: Verdict,
  { run, why }: { readonly run: RunPlan; readonly why: string },
): Verdict {
  const finding: Finding = {
    check: 'ran',
    outcome: 'inconclusive',
    stepId: 'end',
    place: run.scenario.place,
    message: `the run could not be recorded to its end: ${why}`,
  };
  return { outcome: worst([outcome, finding.outcome]), findings: [...findings, finding] };
}

/** The journal entries of a step, as if this had been its last look. */
function seenAs(
  look: SeenNow & { readonly stepId: string; readonly node: string | undefined },
): readonly JournalEntry[] {
  const { stepId, state, log, node } = look;
  const seen = { stepId, ...seenOn(node === undefined ? {} : { name: node }), atMs: 0 };
  return [
    { kind: 'runtime-log', text: log, ...seen },
    { kind: 'look', state, runtime: 'running', ...seen },
    { kind: 'step-ended', ...seen },
  ];
}

/** Anything but a LabError is a bug in the lab. The node is still ended, and the stack helps to find the bug. */
function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? `a bug in the lab: ${thrown.stack ?? thrown.message}` : String(thrown);
}

function provenance({ name, version, source, key, madeBy, note }: Artifact) {
  return { name, version, source, key, madeBy, ...(note === undefined ? {} : { note }) };
}
