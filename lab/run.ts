import type { Artifact } from './artifacts/artifact.ts';
import { CleanupStack } from './core/cleanup-stack.ts';
import { LabError, messageOf } from './core/lab-error.ts';
import type { NodeState } from './core/node-state.ts';
import type { Clock } from './core/ports.ts';
import type { LabEvent } from './events.ts';
import { judge } from './judge/judge.ts';
import { mayHaveToSettle, settlingOf } from './judge/settling.ts';
import type { Verdict } from './judge/verdict.ts';
import { artifactsOf, bringUpNode, type NodeParts } from './nodes/bring-up.ts';
import { configDump } from './nodes/containerd.ts';
import type { BackendName, NodeMaker } from './nodes/node.ts';
import type { JournalEntry, Observation } from './observe/observation.ts';
import type { ComponentRef } from './core/components.ts';
import type { RunPlan } from './plan/plan.ts';
import type { RunRecord } from './record.ts';
import { CONTAINERD_TO_ANSWER } from './steps/runtime.ts';
import { runSteps } from './steps/run-steps.ts';
import { settleMs } from './steps/settle.ts';

export interface RunOptions {
  readonly run: RunPlan;
  /** of the node; unique on this host */
  readonly nodeName: string;
  readonly backend: BackendName;
  readonly maker: NodeMaker;
  /** Throws LabError where one of them is not available. */
  readonly parts: () => Promise<NodeParts>;
  readonly artifact: (ref: ComponentRef) => Artifact;
  /** where it is written down, and the folder of that */
  readonly record: RunRecord;
  readonly outputHostPath: string;
  readonly clock: Clock;
  readonly labVersion: string;
  readonly host: Readonly<Record<string, string>>;
  /** leave the node up for the user */
  readonly keep: boolean;
  readonly signal: AbortSignal;
  readonly emit: (event: LabEvent) => void;
}

/**
 * The life of one run: a fresh node of the plan's versions → its steps, each followed by a look → the node's end →
 * the verdict. All that is seen is in the journal the moment it is seen; the judge reads nothing else.
 */
export async function runOne(options: RunOptions): Promise<Verdict> {
  const { run, nodeName, backend, maker, record, outputHostPath, clock, keep, emit } = options;
  const signal = AbortSignal.any([options.signal, record.broken]);
  const startedMs = clock.now();
  const entries: JournalEntry[] = [];
  const observe = (observation: Observation): void => {
    const entry = { ...observation, atMs: clock.now() - startedMs };
    entries.push(entry);
    record.observed(entry);
    emit({ kind: 'observed', run, entry });
  };
  let stepId = 'start';
  const cleanup = new CleanupStack();
  let kept: { readonly enter: readonly string[]; readonly end: readonly string[] } | undefined;

  emit({ kind: 'run-started', run, outputHostPath });
  observe({
    kind: 'run-started',
    formatVersion: 2,
    labVersion: options.labVersion,
    time: clock.date().toISOString(),
    backend,
    host: options.host,
  });
  let during = 'bringing what the node is made of';
  try {
    signal.throwIfAborted();
    const parts = await options.parts();
    for (const artifact of [...artifactsOf(parts), ...maker.artifacts])
      observe({ kind: 'artifact', ...provenance(artifact) });

    during = `starting node ${nodeName}`;
    const { node, containerd, startFailed, ...ready } = await bringUpNode({
      maker,
      name: nodeName,
      plan: run.node,
      parts,
      clock,
      cleanup,
      onContainerdEnd: (end) => observe({ kind: 'containerd-ended', stepId, ...end }),
      signal,
    });
    observe({ kind: 'node-ready', node: nodeName, ...ready });
    if (startFailed !== undefined) {
      const { containerdMs: waitedMs } = ready;
      const waited = { what: CONTAINERD_TO_ANSWER, met: false, timedOut: false, waitedMs } as const;
      observe({ kind: 'waited', stepId, ...waited, lastSeen: startFailed.message });
    }
    if (Object.keys(run.node.containerdConfig).length > 0) {
      observe({ kind: 'command', stepId, result: await configDump(node) });
    }
    const goesOn = startFailed === undefined || (run.start?.runtime ?? 'running') !== 'running';

    during = 'the steps';
    await runSteps({
      run: goesOn ? run : { ...run, steps: [] },
      node,
      containerd,
      clock,
      artifact: options.artifact,
      signal,
      settling: (stepId, state) =>
        mayHaveToSettle(run, stepId) ? settlingOf(run, [...entries, ...seenAs(stepId, state)]) : 'settled',
      settleMs: settleMs(maker),
      observe: (observation) => {
        if (observation.kind === 'step-started') ({ stepId } = observation);
        observe(observation);
      },
    });
    during = 'reading what the node used';
    observe({ kind: 'usage', usage: await node.usage() });
    if (keep) {
      await node.keep();
      kept = { enter: ['cnilab', 'enter', nodeName], end: ['cnilab', 'down', nodeName] };
    }
  } catch (thrown) {
    if (options.signal.aborted) observe({ kind: 'interrupted', by: String(options.signal.reason) });
    else if (!record.broken.aborted)
      observe({
        kind: 'lab-failure',
        during,
        message: thrown instanceof LabError ? messageOf(thrown) : stackOf(thrown),
      });
  }
  if (kept === undefined) {
    for (const failure of await cleanup.run()) observe({ kind: 'cleanup-failure', ...failure });
  }
  if (record.broken.aborted) {
    observe({ kind: 'lab-failure', during: 'recording the run', message: messageOf(record.broken.reason) });
  }
  observe({ kind: 'run-ended', entries: entries.length + 1 });

  const verdict = judge(run, entries);
  record.judged(verdict);
  const durationMs = clock.now() - startedMs;
  emit({
    kind: 'run-ended',
    run,
    verdict,
    entries,
    durationMs,
    outputHostPath,
    ...(kept === undefined ? {} : { kept }),
  });
  return verdict;
}

/** What the journal would have of a step, had this been the last look. */
function seenAs(stepId: string, state: NodeState): readonly JournalEntry[] {
  return [
    { kind: 'look', stepId, state, runtime: 'running', atMs: 0 },
    { kind: 'step-ended', stepId, atMs: 0 },
  ];
}

/** Anything but a LabError is a bug in the lab: the node is still taken down, and the stack is what helps. */
function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? `a bug in the lab: ${thrown.stack ?? thrown.message}` : String(thrown);
}

function provenance({ name, version, source, key, madeBy, note }: Artifact) {
  return { name, version, source, key, madeBy, ...(note === undefined ? {} : { note }) };
}
