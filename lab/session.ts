import type { Artifact } from './artifacts/artifact.ts';
import type { Artifacts } from './artifacts/artifacts.ts';
import { allOf, type Ensured } from './artifacts/ensure.ts';
import type { Clock } from './core/ports.ts';
import { together } from './core/together.ts';
import type { LabEvent } from './events.ts';
import { worst, type Outcome } from './judge/verdict.ts';
import type { NodeParts } from './nodes/bring-up.ts';
import type { Backend, BackendName, NodeMaker, PrepareOptions } from './nodes/node.ts';
import { describeComponent, type ComponentRef } from './plan/components.ts';
import type { NodePlan, Plan, RunPlan } from './plan/plan.ts';
import { recordRun } from './record.ts';
import { runOne } from './run.ts';
import { pluginArtifacts } from './steps/plugins.ts';

export interface SessionOptions {
  readonly plan: Plan;
  readonly backend: BackendName;
  /** may still be in the making */
  readonly maker: Promise<NodeMaker>;
  readonly artifacts: Artifacts;
  /** names the session's folder and its nodes: unique on this host */
  readonly sessionId: string;
  readonly outputHostPath: string;
  readonly jobs: number;
  readonly keep: boolean;
  readonly clock: Clock;
  readonly labVersion: string;
  readonly host: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly emit: (event: LabEvent) => void;
}

/**
 * All runs of a plan: first every artifact they need, then the runs, so many at a time. A run whose artifacts could not
 * be had is inconclusive; where that is so of all, nothing is run. Throws BadInput, LabError.
 */
export async function runSession(options: SessionOptions): Promise<Outcome> {
  const { plan, backend, artifacts, sessionId, outputHostPath, jobs, clock, signal, emit } = options;
  const startedMs = clock.now();
  emit({ kind: 'session-started', runs: plan.runs, backend, jobs, outputHostPath });

  const store = await artifacts.ensureEach(refsOf(plan), signal);
  if (plan.runs.every((run) => lacksSomething(run, store))) allOf(store);
  const images = await labImages({ containers: plan.runs.some(wantsContainers) }, artifacts, signal);
  const maker = await options.maker;

  const outcomes: Outcome[] = [];
  const waiting = [...plan.runs.entries()];
  const worker = async (signal: AbortSignal): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
      const [index, run] = next;
      const runHostPath = `${outputHostPath}/${run.slug}`;
      const verdict = await runOne({
        ...options,
        signal,
        maker,
        run,
        nodeName: nodeNameOf(sessionId, index),
        parts: () => partsOf(run, { images, artifact: store.artifact }),
        artifact: store.artifact,
        record: recordRun(run, runHostPath),
        outputHostPath: runHostPath,
      });
      outcomes.push(verdict.outcome);
    }
  };
  const workers = Array.from({ length: Math.min(jobs, plan.runs.length) }, () => worker);
  await together(options.signal, workers);

  const outcome = worst(outcomes);
  emit({ kind: 'session-ended', outcome, durationMs: clock.now() - startedMs, outputHostPath });
  return outcome;
}

/** Of the node of a session's run, counted from 0; unique on this host as the session's id is. */
export const nodeNameOf = (sessionId: string, index: number): string => `lab-${sessionId}-${index + 1}`;

/** All that nodes of this backend are made of, from the cache or brought into it. */
export const prepareBackend = (
  backend: Backend,
  { artifacts, emit, signal, mayBeKept, first }: PrepareBackendOptions,
): Promise<NodeMaker> =>
  backend.prepare({
    own: (name) => artifacts.ensureOwn(name, signal),
    progress: (news) => emit({ kind: 'progress', ...news }),
    notice: (message) => emit({ kind: 'notice', message }),
    signal,
    mayBeKept,
    ...(first === undefined ? {} : { first }),
  });

export interface PrepareBackendOptions
  extends
    Pick<SessionOptions, 'artifacts' | 'signal' | 'emit'>,
    Pick<PrepareOptions, 'mayBeKept' | 'first'> {}

/** The images that nodes have, as no registry is asked: the same for all runs of a session. */
export interface LabImages {
  readonly pause: Artifact;
  /** only where some run creates containers */
  readonly app?: Artifact;
}

export async function labImages(
  { containers }: { containers: boolean },
  artifacts: Artifacts,
  signal: AbortSignal,
): Promise<LabImages> {
  return {
    pause: await artifacts.ensureOwn('pause-image', signal),
    ...(containers ? { app: await artifacts.ensureOwn('app-image', signal) } : {}),
  };
}

export function partsOf(
  run: RunPlan,
  { images, artifact }: { images: LabImages; artifact: (ref: ComponentRef) => Artifact },
): NodeParts {
  const { pause, app } = images;
  return {
    containerd: artifact(run.node.containerd),
    runc: artifact(run.node.runc),
    crictl: artifact(run.node.crictl),
    plugins: pluginArtifacts(run.node.plugins, artifact),
    images: [pause, ...(app !== undefined && wantsContainers(run) ? [app] : [])],
    later: stepRefs(run).map(artifact),
  };
}

export const wantsContainers = ({ steps }: RunPlan): boolean =>
  steps.some(({ action }) => action.do === 'create-container');

/** Every component that a plan names, in nodes and in steps. */
export const refsOf = (plan: Plan): readonly ComponentRef[] => plan.runs.flatMap(refsOfRun);

const refsOfRun = (run: RunPlan): readonly ComponentRef[] => [...nodeRefs(run.node), ...stepRefs(run)];

/** The run cannot take place, as some component of it could not be had. */
const lacksSomething = (run: RunPlan, { lost }: Ensured): boolean => {
  const names = new Set(lost.map(({ ref }) => describeComponent(ref)));
  return refsOfRun(run).some((ref) => names.has(describeComponent(ref)));
};

const stepRefs = ({ steps }: RunPlan): readonly ComponentRef[] =>
  steps.flatMap(({ action }) => {
    if (action.do === 'install-plugins') return pluginRefs(action.plugins);
    return action.do === 'replace-containerd' ? [action.containerd] : [];
  });

const nodeRefs = ({ containerd, runc, crictl, plugins }: NodePlan): readonly ComponentRef[] => [
  containerd,
  runc,
  crictl,
  ...pluginRefs(plugins),
];

const pluginRefs = ({ set, overrides }: NodePlan['plugins']): readonly ComponentRef[] => [
  ...(set === undefined ? [] : [set]),
  ...overrides.map(({ from }) => from),
];
