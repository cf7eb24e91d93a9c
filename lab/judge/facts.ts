import { cannotFollow } from '../core/fake-plugin.ts';
import { callsOf, nameCall, type CniCall } from '../core/cni-call.ts';
import { CNI_BIN } from '../core/components.ts';
import type { ClusterLook } from '../core/cluster-state.ts';
import type { NodeState, RuntimeState } from '../core/node-state.ts';
import type { CommandResult } from '../core/ports.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { Runtime, Runtimes } from '../core/runtime.ts';
import {
  type NodePlan,
  type PlannedStep,
  type RunPlan,
  nodeRuns,
  runOn,
  type NodeRun,
} from '../plan/plan.ts';
import { podOfAction } from '../spec/verbs/verbs.ts';
import { missingOf } from './evidence.ts';
import { nameVariables } from './varying.ts';
import { instrumentsOf, type Instruments } from './left-over.ts';

/** What the journal contains about one step. */
export interface StepFacts {
  readonly step: PlannedStep;
  /** it was executed to its end, including the look; without that, nothing that it shows is reliable */
  readonly ended: boolean;
  readonly notRun: string | undefined;
  /** it was not executed because the lab lacked something */
  readonly untried: boolean;
  /** a record that the lab always writes for such a step but that is not in the journal */
  readonly missing: string | undefined;
  readonly commands: readonly Seen<'command'>[];
  readonly waits: readonly Seen<'waited'>[];
  /** files that the step should have removed but did not exist */
  readonly absent: readonly string[];
  readonly captures: readonly Seen<'capture'>[];
  /** the runtime ended although no step asked for it */
  readonly crashes: readonly Seen<'runtime-ended'>[];
  /** the last look before the step started */
  readonly before: Look | undefined;
  /** the cluster after the step; undefined if nobody looked */
  readonly cluster: ClusterLook | undefined;
  /**
   * the part of the runtime log that belongs to this step; for a step in the background, everything since its start;
   * undefined if it was not read
   */
  readonly log: string | undefined;
  /** the state after the step */
  readonly state: NodeState | undefined;
  /** the state of the runtime after the step */
  readonly runtime: RuntimeState | undefined;
}

/** The plugin calls of a step or of a run, or why the complete list is not known. */
export type KnownCalls = { readonly calls: readonly CniCall[] } | { readonly unknown: string };

/** A look, and the step after which it was done. The first is `start`. */
export interface Look {
  readonly stepId: string;
  readonly state: NodeState;
  readonly runtime: RuntimeState;
}

/** What the journal contains about the start of the node. */
export interface StartFacts {
  /** a record that the lab always writes about the start but that is not in the journal */
  readonly missing: string | undefined;
  /** what the runtime reported or did instead of answering; undefined if it answered */
  readonly failed: string | undefined;
  /** the configuration that the runtime reports to have read, if the file configures it */
  readonly configDump: CommandResult | undefined;
  readonly crashes: readonly Seen<'runtime-ended'>[];
  readonly log: string | undefined;
  readonly state: NodeState | undefined;
  readonly runtime: RuntimeState | undefined;
}

/** A journal, arranged for the checks. Nothing is judged here. */
export interface RunFacts {
  /** the runtime of the run, from the plan */
  readonly runtime: Runtime;
  readonly start: StartFacts;
  readonly steps: readonly StepFacts[];
  readonly looks: readonly Look[];
  /** the runtime ended after the last step of this node, during steps of other nodes, although no step asked for it */
  readonly lateCrashes: readonly Seen<'runtime-ended'>[];
  /** the last look at the cluster, in a run that has one */
  readonly cluster: ClusterLook | undefined;
  /** of the complete run */
  readonly calls: KnownCalls;
  /** names that appeared in and disappeared from /run/netns, in order */
  readonly netnsChanges: readonly Seen<'netns'>[];
  readonly instruments: Instruments;
  /** names for values that vary between runs, by type and value */
  readonly variables: () => ReadonlyMap<string, string>;
  /** the complete runtime log; undefined if nothing of it was read */
  readonly log: string | undefined;
  /** problems that prevented the lab from doing its part, as the lab reported them */
  readonly troubles: readonly string[];
  readonly cleanupFailures: readonly Seen<'cleanup-failure'>[];
  readonly ended: boolean;
}

export function factsOf(
  run: Pick<RunPlan, 'steps' | 'cluster' | 'pods'> & {
    readonly node: Pick<NodePlan, 'files' | 'runtime' | 'record'> & Partial<Pick<NodePlan, 'runtimeConfig'>>;
  },
  entries: readonly JournalEntry[],
  runtimes: Runtimes,
): RunFacts {
  const runtime = runtimes[run.node.runtime.component];
  const looks = ofKind(entries, 'look').map(({ stepId, state, runtime }) => ({ stepId, state, runtime }));
  const byStep = entriesByStep(entries);
  const before = looksBefore(entries);
  // computed only when needed, because most runs pass and never need it
  let variables: ReadonlyMap<string, string> | undefined;
  return {
    runtime,
    start: startFacts(entries, runtime),
    steps: inOrderOfJudgement(run.steps, entries).map((step) => ({
      ...stepFacts(step, { own: linesOf(step, byStep), looks, pods: run.pods }),
      before: before.get(step.id),
      ...(step.background === undefined ? {} : { log: logMeanwhile(step.id, entries) }),
    })),
    looks,
    cluster: ofKind(entries, 'cluster-look').at(-1)?.cluster,
    lateCrashes: ofKind(byStep.get('end') ?? [], 'runtime-ended').filter(({ asked }) => !asked),
    calls: knownCalls(run.node, entries),
    netnsChanges: ofKind(entries, 'netns'),
    instruments: instrumentsOf(run, entries),
    variables: () => (variables ??= nameVariables(entries)),
    log: logOf(entries),
    troubles: [
      ...ofKind(entries, 'interrupted').map(({ by }) => `interrupted by ${by}`),
      ...ofKind(entries, 'lab-failure').map(({ during, message }) => `during ${during}: ${message}`),
      ...lostLines(entries),
      ...brokenFakes(entries),
    ],
    cleanupFailures: ofKind(entries, 'cleanup-failure'),
    ended: entries.some(({ kind }) => kind === 'run-ended'),
  };
}

/** If anything may be missing, every expectation about calls is unknown, because a missing call proves nothing. */
function knownCalls(
  { record, runtimeConfig = {} }: Pick<NodePlan, 'record'> & Partial<Pick<NodePlan, 'runtimeConfig'>>,
  entries: readonly JournalEntry[],
): KnownCalls {
  if (record !== true) return { unknown: 'they were not recorded' };
  const [unrecorded] = ofKind(entries, 'unrecorded');
  if (unrecorded !== undefined) return { unknown: `the recorder missed some: ${unrecorded.why.trim()}` };
  const [other] = pluginFolders(runtimeConfig).filter((folder) => folder !== CNI_BIN);
  if (other !== undefined)
    return { unknown: `only plugins in ${CNI_BIN} are recorded, and the runtime looks in ${other}` };
  return { calls: callsOf(ofKind(entries, 'cni-call-started'), ofKind(entries, 'cni-call-ended')) };
}

/** The plugin directories that the configuration of a runtime names, in any table. */
function pluginFolders(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    /^bin_dirs?$/.test(key) ? [inner].flat().map(String) : pluginFolders(inner),
  );
}

/** The calls of one step. If several steps were started together, only the calls for the pod of this step. */
export function callsIn(known: KnownCalls, { id, within, action }: CallingStep): KnownCalls {
  if ('unknown' in known) return known;
  const calls = known.calls.filter(({ stepId }) => stepId === (within ?? id));
  return within === undefined ? { calls } : callsOfPod(action && podOfAction(action), calls);
}

/** The calls for one pod, if every call for a pod names its pod. */
export function callsOfPod(pod: string | undefined, calls: readonly CniCall[]): KnownCalls {
  const nobodys = calls.find((call) => isForPod(call) && podOfCall(call) === undefined);
  if (nobodys !== undefined)
    return {
      unknown: `of ${nameCall(nobodys)} nobody knows for which pod it was made: CNI_ARGS does not name it`,
    };
  return { calls: calls.filter((call) => pod !== undefined && podOfCall(call) === pod) };
}

type CallingStep = Pick<PlannedStep, 'id' | 'within'> & Partial<Pick<PlannedStep, 'action'>>;

const isForPod = ({ verb }: CniCall): boolean => ['ADD', 'DEL', 'CHECK'].includes(verb);

/** The pod of a call. Runtimes set its name in CNI_ARGS. */
export const podOfCall = ({ env }: Pick<CniCall, 'env'>): string | undefined =>
  /(?:^|;)K8S_POD_NAME=([^;]*)/.exec(env['CNI_ARGS'] ?? '')?.[1];

const SEEN_FOR_ALL: readonly JournalEntry['kind'][] = [
  'look',
  'cluster-look',
  'runtime-log',
  'runtime-ended',
];

/** The journal lines of a step. A step that `parallel` starts also has what was observed for all of its steps. */
function linesOf(
  { id, within }: PlannedStep,
  byStep: ReadonlyMap<string, readonly JournalEntry[]>,
): readonly JournalEntry[] {
  const own = byStep.get(id) ?? [];
  if (within === undefined) return own;
  return [...own, ...(byStep.get(within) ?? []).filter(({ kind }) => SEEN_FOR_ALL.includes(kind))];
}

function entriesByStep(entries: readonly JournalEntry[]): ReadonlyMap<string, readonly JournalEntry[]> {
  const byStep = new Map<string, JournalEntry[]>();
  for (const entry of entries) {
    if (!('stepId' in entry)) continue;
    const own = byStep.get(entry.stepId);
    if (own === undefined) byStep.set(entry.stepId, [entry]);
    else own.push(entry);
  }
  return byStep;
}

function startFacts(entries: readonly JournalEntry[], runtime: Runtime): StartFacts {
  const own = entries.filter((entry) => 'stepId' in entry && entry.stepId === 'start');
  const look = ofKind(own, 'look').at(-1);
  const missing = [
    ...(ofKind(entries, 'artifact').some(({ name }) => name === runtime.name)
      ? []
      : [`which ${runtime.name} it was`]),
    ...(ofKind(entries, 'node-ready').length > 0 ? [] : ['that the node was ready']),
    ...(look === undefined ? ['the look before the first step'] : []),
    ...(logOf(own) === undefined ? ['the log of its start'] : []),
  ];
  return {
    missing: missing[0],
    failed: ofKind(own, 'waited').find(({ met }) => !met)?.lastSeen,
    configDump: ofKind(own, 'command').find(({ result }) => isConfigDump(result, runtime))?.result,
    crashes: ofKind(own, 'runtime-ended').filter(({ asked }) => !asked),
    log: logOf(own),
    state: look?.state,
    runtime: look?.runtime,
  };
}

const isConfigDump = ({ argv }: CommandResult, { configDump }: Runtime): boolean =>
  argv.join(' ') === configDump.join(' ');

/** The last look before each step started. */
function looksBefore(entries: readonly JournalEntry[]): ReadonlyMap<string, Look> {
  const before = new Map<string, Look>();
  let last: Look | undefined;
  for (const entry of entries) {
    if (entry.kind === 'look') last = entry;
    if (entry.kind === 'step-started' && last !== undefined) before.set(entry.stepId, last);
  }
  return before;
}

/** The log from the start of a background step until its end. */
function logMeanwhile(stepId: string, entries: readonly JournalEntry[]): string | undefined {
  const isOf = (entry: JournalEntry) => 'stepId' in entry && entry.stepId === stepId;
  const first = entries.findIndex(isOf);
  return logOf(first < 0 ? [] : entries.slice(first, entries.findLastIndex(isOf) + 1));
}

function stepFacts(
  step: PlannedStep,
  { own, looks, pods }: { own: readonly JournalEntry[]; looks: readonly Look[]; pods: RunPlan['pods'] },
): Omit<StepFacts, 'before'> {
  const look = ofKind(own, 'look').at(-1);
  const { id, within } = step;
  const before = looks[looks.findIndex(({ stepId }) => stepId === (within ?? id)) - 1];
  return {
    step,
    ended: ofKind(own, 'step-ended').length > 0,
    notRun: ofKind(own, 'not-run')[0]?.why,
    untried: ofKind(own, 'not-run')[0]?.untried === true,
    missing: missingOf(step, { own, before, pods }),
    commands: ofKind(own, 'command'),
    waits: ofKind(own, 'waited'),
    absent: ofKind(own, 'files').flatMap(({ absent }) => absent),
    captures: ofKind(own, 'capture'),
    crashes: within === undefined ? ofKind(own, 'runtime-ended').filter(({ asked }) => !asked) : [],
    log: logOf(own),
    state: look?.state,
    cluster: ofKind(own, 'cluster-look').at(-1)?.cluster,
    runtime: look?.runtime,
  };
}

function logOf(entries: readonly JournalEntry[]): string | undefined {
  const pieces = ofKind(entries, 'runtime-log');
  return pieces.length === 0 ? undefined : pieces.map(({ text }) => text).join('');
}

/** The last line has the number of all lines. With another number, lines were removed or added. */
function lostLines(entries: readonly JournalEntry[]): readonly string[] {
  const last = ofKind(entries, 'run-ended').at(-1)?.entries;
  if (last === undefined || last === entries.length) return [];
  return [`its journal has ${entries.length} lines, and its last one says that there are ${last}`];
}

/** What a runtime logged about scripted plugins that it called and that could not follow their script. */
function brokenFakes(entries: readonly JournalEntry[]): readonly string[] {
  const broken = ofKind(entries, 'runtime-log').flatMap(({ text }) => cannotFollow(text) ?? []);
  return broken.slice(0, 1);
}

export type Seen<K extends JournalEntry['kind']> = Extract<JournalEntry, { readonly kind: K }>;

/** The lines of one kind, in order. */
export function ofKind<K extends JournalEntry['kind']>(
  entries: readonly JournalEntry[],
  kind: K,
): readonly Seen<K>[] {
  return entries.filter((entry): entry is Seen<K> => entry.kind === kind);
}

/** A run as seen from one of its nodes: what was expected on it, and what the journal contains about it. */
export interface View {
  readonly run: NodeRun;
  readonly facts: RunFacts;
}

export const viewsOf = (
  run: RunPlan,
  entries: readonly JournalEntry[],
  runtimes: Runtimes,
): readonly View[] =>
  nodeRuns(run).map((own) => ({
    run: own,
    facts: factsOf(own, entriesOn(own, { run, entries }), runtimes),
  }));

/** A step, and the view of the node on which it was executed. */
export interface ViewedStep extends StepFacts {
  readonly view: View;
}

/** The steps of all nodes, in the order in which they are judged. */
export const stepsIn = (
  run: RunPlan,
  views: readonly View[],
  entries: readonly JournalEntry[],
): readonly ViewedStep[] =>
  inOrderOfJudgement(run.steps, entries).flatMap(({ id, on }) => {
    const { name } = runOn(nodeRuns(run), on);
    const view = views.find((one) => one.run.name === name);
    const facts = view?.facts.steps.find(({ step }) => step.id === id);
    return view === undefined || facts === undefined ? [] : [{ ...facts, view }];
  });

/**
 * The order of the plan, except for steps in the background. They are judged where they were looked at, before the step
 * that waited for them or killed them.
 */
function inOrderOfJudgement(
  steps: readonly PlannedStep[],
  entries: readonly JournalEntry[],
): readonly PlannedStep[] {
  if (steps.every(({ background }) => background === undefined)) return steps;
  const ends = new Map(ofKind(entries, 'step-ended').map(({ stepId }, index) => [stepId, index]));
  const endOf = ({ id }: PlannedStep) => ends.get(id) ?? Infinity;
  const places = steps.map((step, index) => {
    if (step.background === undefined) return { step, at: index };
    const next = steps.findIndex((one) => one.background === undefined && endOf(one) > endOf(step));
    return { step, at: next < 0 ? Infinity : next - 0.5 };
  });
  return places.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at)).map(({ step }) => step);
}

/** The entries about one node and those that belong to no node. The number in the last line is reduced to these. */
function entriesOn(
  own: NodeRun,
  { run, entries }: { readonly run: RunPlan; readonly entries: readonly JournalEntry[] },
): readonly JournalEntry[] {
  if (own.name === undefined) return entries;
  const kept = entries.filter(({ node }) => node === undefined || node === own.name);
  const others = entries.length - kept.length;
  return kept.map((entry) => {
    if (entry.kind === 'run-ended') return { ...entry, entries: entry.entries - others };
    const { kind } = entry;
    if (kind !== 'runtime-ended' && kind !== 'cni-call-started' && kind !== 'netns') return entry;
    return { ...entry, stepId: ownStepAfter(entry.stepId, { own, run }) };
  });
}

/** What happens on a node during a step on another node is seen by its next look. This is the step of that look. */
function ownStepAfter(stepId: string, { own, run }: { own: NodeRun; run: RunPlan }): string {
  const at = run.steps.findIndex(({ id }) => id === stepId);
  if (at < 0) return stepId;
  return run.steps.slice(at).find(({ on }) => on === own.name)?.id ?? 'end';
}
