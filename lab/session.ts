import type { Artifacts } from './artifacts/artifacts.ts';
import { imageStores } from './assembly/image-stores.ts';
import { labImages, lacksSomething, partsOf, refsOf } from './assembly/run-parts.ts';
import { allOf } from './artifacts/ensure.ts';
import type { ComponentRef } from './core/components.ts';
import { BadInput } from './core/lab-error.ts';
import type { Clock } from './core/ports.ts';
import type { Runtimes } from './core/runtime.ts';
import { together } from './core/wait-for.ts';
import type { LabEvent } from './events.ts';
import type { Outcome } from './judge/verdict.ts';
import type { BackendName, NodeMaker } from './nodes/node.ts';
import type { Plan, RunPlan } from './plan/plan.ts';
import { recordRun } from './record.ts';
import { attemptHostPath } from './report/attempts.ts';
import { Results, runWithRetries } from './retries.ts';
import { runQueue } from './run-queue.ts';
import { runOne } from './run.ts';

export interface SessionOptions {
  readonly plan: Plan;
  readonly backend: BackendName;
  /** may not be ready yet */
  readonly maker: Promise<NodeMaker>;
  readonly artifacts: Artifacts;
  /** what makes the clusters of the backend kind */
  readonly kind: ComponentRef;
  readonly runtimes: Runtimes;
  /** part of the names of the session directory and its nodes; unique on this host */
  readonly sessionId: string;
  readonly outputHostPath: string;
  readonly jobs: number;
  /** how many nodes of clusters the host has room for at a time; a larger cluster runs beside no other one */
  readonly clusterNodes: number;
  readonly keep: boolean;
  /** maximum number of times that a run that does not pass is repeated */
  readonly retries: number;
  /** no further run is started after this many runs did not pass */
  readonly maxFailures: number;
  /** a run that passes only after a retry makes the session fail */
  readonly failOnFlaky: boolean;
  /** if it is aborted, no further run is started */
  readonly stopStarting?: AbortSignal;
  readonly clock: Clock;
  readonly labVersion: string;
  readonly host: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly emit: (event: LabEvent) => void;
}

/**
 * All runs of a plan: first every artifact they need, then the runs, so many at a time. A run whose artifacts
 * are not available is inconclusive; where that is so of all, nothing is run. A plan without a run passes. Throws BadInput,
 * LabError.
 */
export async function runSession(options: SessionOptions): Promise<Outcome> {
  const { plan, backend, artifacts, sessionId, outputHostPath, jobs, clock, signal, emit } = options;
  refuseToKeep(plan, options);
  const startedMs = clock.now();
  emit({ kind: 'session-started', runs: plan.runs, backend, jobs, outputHostPath });
  if (plan.runs.length === 0) {
    emit({ kind: 'session-ended', outcome: 'pass', durationMs: 0, outputHostPath });
    return 'pass';
  }

  const byKind = backend === 'kind' && plan.runs.some(({ cluster }) => cluster !== undefined);
  const store = await artifacts.ensureEach([...refsOf(plan), ...(byKind ? [options.kind] : [])], signal);
  if (plan.runs.every((run) => lacksSomething(run, store))) allOf(store);
  const images = await labImages(plan, artifacts, signal);
  const maker = await options.maker;

  const results = new Results(options);
  const queue = runQueue(plan.runs, options.clusterNodes);
  const runHere = async (index: number, run: RunPlan, signal: AbortSignal): Promise<void> => {
    const nodeName = nodeNameOf(sessionId, index);
    const stores = imageStores({ maker, artifacts, nodeName: `${nodeName}-images`, clock });
    const ended = await runWithRetries({ ...options, signal }, ({ number, emit }) => {
      const runHostPath = attemptHostPath(`${outputHostPath}/${run.slug}`, number);
      return runOne({
        ...options,
        signal,
        emit,
        maker,
        run,
        nodeName: number === 1 ? nodeName : `${nodeName}-${number}`,
        parts: (node) => stores.addTo(node, partsOf(node, { images, artifact: store.artifact })),
        artifact: store.artifact,
        record: recordRun(run, runHostPath, options.runtimes),
        outputHostPath: runHostPath,
      });
    });
    results.add(ended);
    if (ended.verdict.outcome === 'pass') await stores.makeMissing(signal);
  };
  const worker = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && !results.enough && options.stopStarting?.aborted !== true) {
      const next = queue.take();
      if (next === undefined) return;
      if (next === 'no-room') {
        await queue.ended();
        continue;
      }
      const [index, run] = next;
      try {
        await runHere(index, run, signal);
      } finally {
        queue.end(run);
      }
    }
  };
  const workers = Array.from({ length: Math.min(jobs, plan.runs.length) }, () => worker);
  await together(options.signal, workers);

  for (const message of results.notices(queue.left())) emit({ kind: 'notice', message });
  const { outcome } = results;
  emit({ kind: 'session-ended', outcome, durationMs: clock.now() - startedMs, outputHostPath });
  return outcome;
}

/** A cluster that cannot be kept is known before anything runs. */
function refuseToKeep({ runs }: Plan, { backend, keep }: Pick<SessionOptions, 'backend' | 'keep'>): void {
  const first = runs.find(({ cluster }) => cluster !== undefined);
  if (first === undefined || backend !== 'kind' || !keep) return;
  throw new BadInput(
    `${first.scenario.name} wants a cluster, and --keep cannot keep those of kind; leave one of the two out, or add --backend bare`,
  );
}

/** Of the node of a session's run, counted from 0; unique on this host as the session's id is. */
export const nodeNameOf = (sessionId: string, index: number): string => `lab-${sessionId}-${index + 1}`;
