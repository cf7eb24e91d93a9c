import { isMap, parseDocument, type Node, type Scalar } from 'yaml';

import type { Runtimes } from '../core/runtime.ts';
import { judge } from '../judge/judge.ts';
import type { Finding, Verdict } from '../judge/verdict.ts';
import type { JournalEntry } from '../observe/observation.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Expectation } from '../spec/scenario.ts';
import { runsCommands, type PlannedAction } from '../spec/verbs/verbs.ts';

/** A change that makes an expectation true in one cell. */
export interface Change {
  /** the key in the expectation and the path below it: `['error']`, `['pods', 'web', 'state']`, `['log', '0']` */
  readonly path: readonly [string, ...string[]];
  /** YAML on one line; undefined if the key has to be removed */
  readonly value: string | undefined;
}

/** What was measured for a step, the start or the end of a run, if it differs from the file. */
export interface Measured {
  /** `start`, the id of a step, or `end` */
  readonly stepId: string;
  /** only if there are several nodes */
  readonly node?: string;
  readonly expect: Expectation | undefined;
  readonly changes: readonly Change[];
}

/** One recorded run, and the changes that its file needs. */
export interface MeasuredRun {
  readonly measured: readonly Measured[];
  /** failures that no expectation can express */
  readonly refused: readonly Finding[];
}

/** The failures of a run as changes of its expectations. Expectations that held are not included. */
export function measuredFailures(run: RunPlan, { findings }: Verdict): MeasuredRun {
  const failed = findings.filter(({ outcome }) => outcome === 'fail');
  const refused: Finding[] = [];
  const measured = sitesOf(run).map(({ stepId, node, expect, action }): Measured => {
    const changes: Change[] = [];
    for (const finding of failed) {
      if (finding.stepId !== stepId || (node !== undefined && finding.node !== node)) continue;
      const changed = changesFor(finding, expect);
      if (changed === undefined) refused.push(finding);
      else changes.push(...(action?.endsWith('-listed-pods') === true ? changed.map(aboutListed) : changed));
    }
    return { stepId, ...(node === undefined ? {} : { node }), expect, changes: lastOfEach(changes) };
  });
  return { measured, refused };
}

/**
 * The expectations for a file that has none: how its steps ended and what they printed, the state of pods, and what is
 * left behind wherever pods are removed. The judge reads them from the run: it checks an expectation of "nothing", and
 * its findings say what there is.
 */
export function measuredFromNothing(
  run: RunPlan,
  { entries, runtimes }: { readonly entries: readonly JournalEntry[]; readonly runtimes: Runtimes },
): MeasuredRun {
  const probes = probesOf(run, judge(run, entries, runtimes));
  const asked: RunPlan = {
    ...run,
    steps: run.steps.map((step) => ({ ...step, expect: { ...step.expect, ...probes.get(step.id) } })),
    nodes: run.nodes.map((node) => ({ ...node, end: { ...NO_EXPECTATION(run), ...AT_THE_END(run) } })),
  };
  const verdict = judge(asked, entries, runtimes);
  const { measured, refused } = measuredFailures(asked, verdict);
  return {
    measured: measured.map((one) => ({ ...one, expect: undefined, changes: withHeld(one, verdict) })),
    refused,
  };
}

/** A longer command output is of little use to a reader, and often varies. */
const LONGEST_OUTPUT = 400;

const NO_EXPECTATION = (run: RunPlan): Expectation => ({ place: run.scenario.place, log: [], noLog: [] });
const AT_THE_END = (run: RunPlan): Partial<Expectation> => ({
  leftBehind: { none: true, place: run.scenario.place },
  pods: 'none',
});

/**
 * What is checked for each step. The expectation is always the minimum, so that anything more is reported as a failure.
 */
function probesOf(run: RunPlan, { findings }: Verdict): ReadonlyMap<string, Partial<Expectation>> {
  const failed = new Set(findings.filter(({ outcome }) => outcome !== 'pass').map(({ stepId }) => stepId));
  return new Map(
    run.steps.map((step): [string, Partial<Expectation>] => {
      const { id, place, action } = step;
      const ended = !failed.has(id);
      // what is left behind concerns the node, which is looked at once for steps that are started together
      const looked =
        step.within === undefined ? [step, ...run.steps.filter(({ within }) => within === id)] : [];
      const goes = looked.some(
        (one) => GOES.includes(one.action.do) || (one.action.do === 'run-pod' && failed.has(one.id)),
      );
      return [
        id,
        {
          ...(POD_STEPS.includes(action.do) ? { pod: { state: 'absent', ips: [] } } : {}),
          ...(waitsForExit(action) ? { container: { place, exitCode: NO_EXIT_CODE } } : {}),
          ...(goes ? { leftBehind: { none: true, place } } : {}),
          ...(ended && prints(action) ? { output: { exact: '', place } } : {}),
        },
      ];
    }),
  );
}

/** An exit code that no container has, so that the judge reports the real one. */
const NO_EXIT_CODE = -1;
const waitsForExit = (action: PlannedAction): boolean =>
  action.do === 'wait-for' && action.condition.until === 'container' && action.condition.state === 'exited';

const POD_STEPS: readonly PlannedAction['do'][] = ['run-pod', 'stop-pod', 'remove-pod'];
const GOES: readonly PlannedAction['do'][] = [
  'stop-pod',
  'remove-pod',
  'stop-listed-pods',
  'remove-listed-pods',
];
const PRINTS: readonly PlannedAction['do'][] = ['exec', 'exec-container', 'connect'];
const prints = (action: PlannedAction): boolean => runsCommands(action) && PRINTS.includes(action.do);

/** Also writes what was checked and held, except for what is true of every step without an expectation. */
function withHeld({ stepId, node, expect, changes }: Measured, { findings }: Verdict): readonly Change[] {
  const changed = (key: string) => changes.some(({ path }) => path[0] === key);
  const held = (check: Finding['check']) =>
    findings.some(
      (one) =>
        one.check === check &&
        one.stepId === stepId &&
        one.outcome === 'pass' &&
        (node === undefined || one.node === node),
    );
  const kept = changes.flatMap((change): readonly Change[] => {
    const { path, value = '' } = change;
    if (path[0] === 'output' && value.length > LONGEST_OUTPUT) return [];
    return path[0] === 'pod' || path[0] === 'container' ? [] : [change];
  });
  const ofPod = (key: string) => changes.find(({ path }) => path[0] === 'pod' && path[1] === key)?.value;
  const exitCode = changes.find(({ path }) => path.join(' ') === 'container exit-code')?.value;
  const ips = ofPod('ips');
  const pod = [
    `state: ${ofPod('state') ?? 'absent'}`,
    ...(ips === undefined || ips === '[]' ? [] : [`ips: ${ips}`]),
  ];
  const written = [
    ...kept,
    ...(expect?.pod !== undefined && (changed('pod') || held('pod'))
      ? [set('pod', `{ ${pod.join(', ')} }`)]
      : []),
    ...(exitCode === undefined ? [] : [set('container', `{ exit-code: ${exitCode} }`)]),
    ...(expect?.leftBehind !== undefined && !changed('left-behind') && held('left-behind')
      ? [set('left-behind', 'none')]
      : []),
    ...(expect?.pods !== undefined && !changed('pods') && held('pod') ? [set('pods', 'none')] : []),
  ];
  const isState = ({ path: [key] }: Change) => STATE_KEYS.includes(key);
  return [
    ...written.filter((change) => !isState(change)),
    ...STATE_KEYS.flatMap((key) => written.filter(({ path }) => path[0] === key)),
  ];
}

/** In the order in which they are written, after the result of the command of the step. */
const STATE_KEYS = ['pod', 'container', 'left-behind', 'pods'];

const set = (key: string, value: string): Change => ({ path: [key], value });

/** All sites that a file can have an expectation for: the start of each node, each step, the end of each node. */
function sitesOf({
  nodes,
  steps,
}: RunPlan): readonly (Omit<Measured, 'changes'> & { readonly action?: PlannedAction['do'] })[] {
  const of = (name: string | undefined) => (name === undefined ? {} : { node: name });
  return [
    ...nodes.map(({ name, start }) => ({ stepId: 'start', ...of(name), expect: start })),
    ...steps.map(({ id, on, expect, action }) => ({ stepId: id, ...of(on), expect, action: action.do })),
    ...nodes.map(({ name, end }) => ({ stepId: 'end', ...of(name), expect: end })),
  ];
}

/** Changes what a file says about one pod or container, key by key. The other keys stay. */
function changesOfOne(
  { key, value }: { readonly key: string; readonly value: string },
  expect: Expectation | undefined,
): readonly Change[] {
  const written: unknown = { ...expect }[key as keyof Expectation];
  if (typeof written !== 'object') return [set(key, value)];
  const isByName = key === 'pods' || key === 'containers';
  const [[name, ofOne] = ['', value]] = isByName ? entriesOf(value) : [];
  const outer: Change['path'] = isByName ? [key, name] : [key];
  const came = entriesOf(ofOne);
  const state = came.find(([one]) => one === 'state')?.[1];
  // only a container that has exited has these
  const pointless =
    key.startsWith('container') && state !== undefined && state !== 'exited'
      ? ['exit-code', 'reason', 'message']
      : [];
  return [
    ...came.map(([one, inner]): Change => ({ path: [...outer, one], value: inner })),
    ...pointless.map((one): Change => ({ path: [...outer, one], value: undefined })),
  ];
}

/** The keys of a mapping on one line of YAML, with their values as they are written. */
function entriesOf(flow: string): readonly (readonly [string, string])[] {
  const { contents } = parseDocument(flow);
  return isMap<Scalar, Node | null>(contents)
    ? contents.items.map(({ key, value }) => {
        const [start = 0, end = start] = value?.range ?? [];
        return [String(key.value), flow.slice(start, end).trim()];
      })
    : [];
}

/** The path for everything that is left behind, or for one pod. */
function leftBehindPath({ place }: Finding, expect: Expectation | undefined): Change['path'] {
  const { leftBehind, pod, pods } = expect ?? {};
  if (leftBehind?.place === place) return ['left-behind'];
  if (pod?.leftBehind?.place === place) return ['pod', 'left-behind'];
  const named = typeof pods === 'object' ? Object.entries(pods) : [];
  const [name] = named.find(([, one]) => one.leftBehind?.place === place) ?? [];
  return name === undefined ? ['left-behind'] : ['pods', name, 'left-behind'];
}

/** Keys that make no sense if there is no answer. */
const NO_ANSWER: readonly Change[] = ['ok', 'error', 'output', 'exit-code'].map((key) => ({
  path: [key],
  value: undefined,
}));

/** The changes that make an expectation hold; undefined if no expectation can express what was observed. */
function changesFor(finding: Finding, expect: Expectation | undefined): readonly Change[] | undefined {
  const { check, paste, place, expected, actual } = finding;
  const remove = (key: string): Change => ({ path: [key], value: undefined });
  if (check === 'timed-out')
    return expected === 'timed-out: true'
      ? [remove('timed-out')]
      : [...NO_ANSWER, { path: ['timed-out'], value: 'true' }];
  if (check === 'runtime' && actual !== undefined)
    return [{ path: ['runtime'], value: actual.replace(/^runtime: /, '') }];
  const [, key = '', value = ''] = /^([a-z-]+): (.*)$/s.exec(paste ?? '') ?? [];
  if (check === 'call-order') return [key === '' ? remove(check) : set(key, value)];
  const { log = [], noLog = [], calls = [], noCalls = [] } = expect ?? {};
  const inList = { log, 'no-log': noLog, calls, 'no-calls': noCalls }[check as string];
  if (inList !== undefined) {
    const index = inList.findIndex((one) => one.place === place);
    if (index < 0 || (check === 'log' && key === '')) return undefined;
    const isThere = check === 'log' || check === 'calls';
    const item: Change = {
      path: [check, String(index)],
      value: isThere && key !== '' ? value : undefined,
    };
    // the entry was excluded but exists, so it becomes expected, unless another entry of that kind is expected
    const isFirst = check === 'no-log' ? log.length === 0 : calls.length === 0;
    return isThere || key === '' || !isFirst ? [item] : [item, set(key, value)];
  }
  if (key === '') return undefined;
  if (check === 'pod' || check === 'container') return changesOfOne({ key, value }, expect);
  if (check === 'left-behind') return [{ path: leftBehindPath(finding, expect), value }];
  if (key === 'error' || (key === 'exit-code' && check === 'ok')) return [remove('ok'), set(key, value)];
  if (key === 'ok') return [remove('error'), ...(value === 'true' ? [remove('ok')] : [set(key, value)])];
  return [set(key, value)];
}

/**
 * Leaves out a text that was not the same twice. That there is an output is not worth an expectation, and an error
 * becomes a failure.
 */
export const withoutUnsteady = (
  { measured, refused }: MeasuredRun,
  unsteady: ReadonlySet<string>,
): MeasuredRun => ({
  refused,
  measured: measured.map((one) => ({
    ...one,
    changes: one.changes.flatMap((change): readonly Change[] => {
      const [key] = change.path;
      if (change.value === undefined || !unsteady.has(keyAt(one.stepId, key))) return [change];
      return key === 'error' ? [set('ok', 'false')] : [];
    }),
  })),
});

/** Texts that a run showed differently from its file. */
export const unsteadyTexts = ({ findings }: Verdict): readonly string[] =>
  findings
    .filter(({ outcome, check }) => outcome === 'fail' && (check === 'output' || check === 'error'))
    .map(({ stepId, check }) => keyAt(stepId, check));

const keyAt = (stepId: string, key: string): string => `${stepId} ${key}`;

/** If a step has several commands, all must have the same result. If they differ, only the failure is written. */
function lastOfEach(changes: readonly Change[]): readonly Change[] {
  const byKey = new Map<string, Change>();
  for (const change of changes) byKey.set(change.path.join(' '), change);
  const errors = changes.flatMap(({ path, value }) => (path[0] === 'error' ? [value] : []));
  if (new Set(errors).size < 2) return [...byKey.values()];
  byKey.delete('ok');
  byKey.delete('error');
  return [...byKey.values(), { path: ['error'], value: undefined }, set('ok', 'false')];
}

/** Each command of a step on listed pods is about a different pod, whatever its name. */
const aboutListed = (change: Change): Change =>
  change.path[0] === 'error' && change.value !== undefined
    ? { ...change, value: change.value.replaceAll(/\$\{(?:id-\d+:id|[\w-]+\.id)\}/g, '${listed.id}') }
    : change;
