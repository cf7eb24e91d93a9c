import { CONTAINER_STATES, RUNTIME_STATES } from '../../lab/core/node-state.ts';
import type { CheckName } from '../../lab/judge/verdict.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { present } from '../../lab/spec/object-shape.ts';
import { writtenOf } from '../../lab/spec/written-json.ts';
import type {
  CallExpectation,
  ClusterExpectation,
  ClusterNodeExpectation,
  ClusterPodsExpectation,
  EventExpectation,
  Expectation,
  LeftBehindExpectation,
  LogExpectation,
  NetworkExpectation,
  ContainerExpectation,
  PodExpectation,
  TextExpectation,
} from '../../lab/spec/scenario.ts';

/** A plan with one expectation changed. A recorded run that passed must fail by this check. */
export interface Mutant {
  readonly run: RunPlan;
  readonly stepId: string;
  readonly check: CheckName;
  readonly change: string;
}

interface Changed {
  readonly expect: Expectation;
  readonly check: CheckName;
  readonly change: string;
}

/** Every expectation of a run, changed in every possible way. */
export function mutantsOf(run: RunPlan): readonly Mutant[] {
  return [
    ...run.steps.flatMap((step, index) =>
      changesOf(step.expect).map(({ expect, ...told }) => ({
        ...told,
        stepId: step.id,
        run: { ...run, steps: run.steps.with(index, { ...step, expect }) },
      })),
    ),
    ...run.nodes.flatMap((node, index) =>
      node.start === undefined
        ? []
        : changesOf(node.start).map(({ expect, ...told }) => ({
            ...told,
            stepId: 'start',
            run: { ...run, nodes: run.nodes.with(index, { ...node, start: expect }) },
          })),
    ),
    ...run.nodes.flatMap((node, index) =>
      node.end === undefined
        ? []
        : changesOf(node.end).map(({ expect, ...told }) => ({
            ...told,
            stepId: 'end',
            run: { ...run, nodes: run.nodes.with(index, { ...node, end: expect }) },
          })),
    ),
  ];
}

function changesOf(expect: Expectation): readonly Changed[] {
  const { ok, timedOut, runtime, error, exitCode, output, networkReady, pod, pods, leftBehind, log, noLog } =
    expect;
  const { container, containers = {} } = expect;
  const changes: Changed[] = [];
  const add = (check: CheckName, change: string, changed: Partial<Expectation>): void => {
    changes.push({ expect: { ...expect, ...changed }, check, change });
  };
  if (ok !== undefined && error === undefined) add('ok', `ok: ${!ok}`, { ok: !ok });
  if (timedOut !== undefined) add('timed-out', `timed-out: ${!timedOut}`, { timedOut: !timedOut });
  if (exitCode !== undefined) add('exit-code', `exit-code: ${exitCode + 1}`, { exitCode: exitCode + 1 });
  for (const other of RUNTIME_STATES) {
    if (runtime !== undefined && other !== runtime) add('runtime', `runtime: ${other}`, { runtime: other });
  }
  for (const text of error === undefined ? [] : otherTexts(error)) add('error', shown(text), { error: text });
  for (const text of output === undefined ? [] : otherTexts(output))
    add('output', shown(text), { output: text });
  for (const other of networkReady === undefined ? [] : otherNetworks(networkReady))
    add('network-ready', JSON.stringify(other), { networkReady: other });
  for (const { check, other } of pod === undefined ? [] : otherPods(pod))
    add(check, JSON.stringify(other), { pod: other });
  if (pods === 'none') add('pod', 'pods: one', { pods: { web: { state: 'ready' } } });
  else {
    for (const [name, one] of Object.entries(pods ?? {})) {
      for (const { check, other } of otherPods(one))
        add(check, JSON.stringify(other), { pods: { ...pods, [name]: other } });
    }
  }
  for (const other of container === undefined ? [] : otherContainers(container))
    add('container', JSON.stringify(other), { container: other });
  for (const [name, one] of Object.entries(containers)) {
    for (const other of otherContainers(one))
      add('container', JSON.stringify(other), { containers: { ...containers, [name]: other } });
  }
  for (const other of leftBehind === undefined ? [] : otherRemains(leftBehind))
    add('left-behind', JSON.stringify(other), { leftBehind: other });
  log.forEach((line, index) => {
    for (const other of otherLines(line)) add('log', JSON.stringify(other), { log: log.with(index, other) });
  });
  const { calls = [], noCalls = [], callOrder = [], netns, cluster } = expect;
  for (const { check, other } of cluster === undefined ? [] : otherClusters(cluster))
    add(check, JSON.stringify(other), { cluster: other });
  if (netns !== undefined)
    for (const changes of [[...netns.changes, 'appeared' as const], netns.changes.slice(1)])
      if (changes.length !== netns.changes.length)
        add('netns', `netns: ${changes.join(', ')}`, { netns: { ...netns, changes } });
  calls.forEach((call, index) => {
    for (const other of otherCalls(call))
      add('calls', JSON.stringify(other), { calls: calls.with(index, other) });
  });
  // any call: there are calls, because others are expected
  noCalls.forEach((call, index) => {
    const { plugin: _plugin, verb: _verb, within: _within, ...any } = call;
    if (Object.keys(any).length === ONLY_LISTS && calls.length + callOrder.length > 0)
      add('no-calls', 'no call at all', { noCalls: noCalls.with(index, any) });
  });
  callOrder.forEach((call, index) => {
    for (const other of otherCalls(call))
      add('call-order', JSON.stringify(other), { callOrder: callOrder.with(index, other) });
  });
  noLog.forEach((line, index) => {
    const any = {
      message: { contains: '', why: 'any line at all', place: line.place },
      fields: {},
      place: line.place,
    };
    add('no-log', 'no line at all', { noLog: noLog.with(index, any) });
  });
  return changes;
}

/** place, env, noEnv and noInput */
const ONLY_LISTS = 4;

/** The call with each of its expected values changed. */
function otherCalls(call: CallExpectation): readonly CallExpectation[] {
  const { plugin, verb, within, times, env, netns, input, output, exitCode, signal, error, stderr, ended } =
    call;
  const others: Partial<CallExpectation>[] = [];
  if (plugin !== undefined) others.push({ plugin: `${plugin}~` });
  if (verb !== undefined) others.push({ verb: `${verb}~` });
  if (within !== undefined) others.push({ within: within === 'none' ? 'bridge~' : 'none' });
  if (times !== undefined) others.push({ times: times + 1 });
  for (const [name, text] of Object.entries(env))
    others.push(...otherTexts(text).map((one) => ({ env: { ...env, [name]: one } })));
  if (netns !== undefined) others.push({ netns: netns === 'none' ? 'present' : 'none' });
  if (input !== undefined)
    others.push({
      input: { ...input, entries: [...input.entries, ...writtenOf({ 'no such key': 1 }).entries] },
    });
  if (output !== undefined)
    others.push({
      output: { ...output, entries: [...output.entries, ...writtenOf({ 'no such key': 1 }).entries] },
    });
  if (exitCode !== undefined) others.push({ exitCode: exitCode + 1 });
  if (signal !== undefined) others.push({ signal: `${signal}~` });
  if (error?.code !== undefined) others.push({ error: { ...error, code: error.code + 1 } });
  if (error?.message !== undefined)
    others.push(...otherTexts(error.message).map((message) => ({ error: { ...error, message } })));
  if (error?.details !== undefined)
    others.push(...otherTexts(error.details).map((details) => ({ error: { ...error, details } })));
  if (stderr !== undefined) others.push(...otherTexts(stderr).map((one) => ({ stderr: one })));
  if (ended !== undefined) others.push({ ended: !ended });
  return others.map((other) => ({ ...call, ...other }));
}

const CAPTURE = /\$\{[^}]*\}/g;

/** The text with the first, middle and last character of each literal part changed. */
function otherTexts(text: TextExpectation): readonly TextExpectation[] {
  const whole = 'exact' in text ? text.exact : text.contains;
  const taken = [...whole.matchAll(CAPTURE)].flatMap(({ index, 0: { length } }) =>
    Array.from({ length }, (_, offset) => index + offset),
  );
  const free = [...whole].map((_, at) => at).filter((at) => !taken.includes(at));
  const places = [free[0], free[Math.floor(free.length / 2)], free.at(-1)];
  const others = [...new Set(places)].flatMap((at) => {
    if (at === undefined) return [];
    const other = whole[at] === '~' ? '_' : '~';
    return [whole.slice(0, at) + other + whole.slice(at + 1)];
  });
  return others.map((other) => ('exact' in text ? { ...text, exact: other } : { ...text, contains: other }));
}

const shown = (text: TextExpectation): string => ('exact' in text ? text.exact : `contains ${text.contains}`);

function otherNetworks({ reason, message, ...network }: NetworkExpectation): readonly NetworkExpectation[] {
  const texts = present({ reason, message });
  return [
    { ...network, ready: !network.ready },
    ...(reason === undefined
      ? []
      : otherTexts(reason).map((other) => ({ ...network, ...texts, reason: other }))),
    ...(message === undefined
      ? []
      : otherTexts(message).map((other) => ({ ...network, ...texts, message: other }))),
  ];
}

function otherContainers(container: ContainerExpectation): readonly ContainerExpectation[] {
  const { state, exitCode, restarts, reason, message } = container;
  const others: Partial<ContainerExpectation>[] = [];
  for (const other of CONTAINER_STATES)
    if (state !== undefined && other !== state) others.push({ state: other });
  if (exitCode !== undefined) others.push({ exitCode: exitCode + 1 });
  if (restarts !== undefined) others.push({ restarts: restarts + 1 });
  if (reason !== undefined) others.push(...otherTexts(reason).map((one) => ({ reason: one })));
  if (message !== undefined) others.push(...otherTexts(message).map((one) => ({ message: one })));
  return others.map((other) => ({ ...container, ...other }));
}

function otherPods(pod: PodExpectation): readonly { check: CheckName; other: PodExpectation }[] {
  const { state, ips, leftBehind } = pod;
  const others: PodExpectation[] = [];
  for (const other of ['ready', 'not-ready', 'absent'] as const) {
    if (state !== undefined && other !== state) others.push({ ...pod, state: other });
  }
  if (typeof ips === 'number') others.push({ ...pod, ips: ips + 1 }, { ...pod, ips: ips - 1 });
  else if (ips !== undefined) {
    others.push({ ...pod, ips: ips.slice(1) });
    if (ips.length > 1) others.push({ ...pod, ips: ips.toReversed() });
  }
  return [
    ...others.map((other) => ({ check: 'pod', other }) as const),
    ...(leftBehind === undefined ? [] : otherRemains(leftBehind)).map(
      (remains) => ({ check: 'left-behind', other: { ...pod, leftBehind: remains } }) as const,
    ),
  ];
}

function otherClusters(
  cluster: ClusterExpectation,
): readonly { readonly check: CheckName; readonly other: ClusterExpectation }[] {
  const { nodes, pods, events, noEvents, place } = cluster;
  const changed = (check: CheckName, part: Partial<ClusterExpectation>) => ({
    check,
    other: { ...cluster, ...part },
  });
  return [
    ...Object.entries(nodes).flatMap(([name, node]) =>
      otherClusterNodes(node).map((other) =>
        changed('cluster-nodes', { nodes: { ...nodes, [name]: other } }),
      ),
    ),
    ...Object.entries(pods).flatMap(([app, one]) =>
      otherClusterPods(one).map((other) => changed('cluster-pods', { pods: { ...pods, [app]: other } })),
    ),
    ...events.flatMap((event, index) =>
      otherEvents(event).map((other) => changed('cluster-events', { events: events.with(index, other) })),
    ),
    // any event: a cluster that has started has some
    ...noEvents.map((_, index) => changed('cluster-events', { noEvents: noEvents.with(index, { place }) })),
  ];
}

function otherClusterNodes(node: ClusterNodeExpectation): readonly ClusterNodeExpectation[] {
  const { ready, reason, message, schedulable, runtimeVersion } = node;
  const others: Partial<ClusterNodeExpectation>[] = [];
  for (const other of ['True', 'False', 'Unknown'] as const)
    if (ready !== undefined && other !== ready) others.push({ ready: other });
  if (schedulable !== undefined) others.push({ schedulable: !schedulable });
  if (runtimeVersion !== undefined) others.push({ runtimeVersion: `${runtimeVersion}~` });
  if (reason !== undefined) others.push(...otherTexts(reason).map((one) => ({ reason: one })));
  if (message !== undefined) others.push(...otherTexts(message).map((one) => ({ message: one })));
  return others.map((other) => ({ ...node, ...other }));
}

function otherClusterPods(pods: ClusterPodsExpectation): readonly ClusterPodsExpectation[] {
  const { count, ready, terminating, on } = pods;
  const others: Partial<ClusterPodsExpectation>[] = [];
  if (count !== undefined) others.push({ count: count + 1 });
  if (ready !== undefined) others.push({ ready: ready + 1 });
  if (terminating !== undefined) others.push({ terminating: terminating + 1 });
  for (const [name, many] of Object.entries(on ?? {})) others.push({ on: { ...on, [name]: many + 1 } });
  return others.map((other) => ({ ...pods, ...other }));
}

function otherEvents(event: EventExpectation): readonly EventExpectation[] {
  const { about, type, reason, message, times } = event;
  const others: Partial<EventExpectation>[] = [];
  if (about !== undefined) others.push({ about: `${about}~` });
  if (type !== undefined) others.push({ type: type === 'Normal' ? 'Warning' : 'Normal' });
  if (reason !== undefined) others.push({ reason: `${reason}~` });
  if (message !== undefined) others.push(...otherTexts(message).map((one) => ({ message: one })));
  if (times !== undefined) others.push({ times: times + 1 });
  return others.map((other) => ({ ...event, ...other }));
}

function otherRemains(expectation: LeftBehindExpectation): readonly LeftBehindExpectation[] {
  const { place } = expectation;
  const remains = (kinds: object): LeftBehindExpectation => ({ none: false, kinds, place });
  if (expectation.none) return [remains({ netns: 1 })];
  return [
    { none: true, place },
    ...Object.entries(expectation.kinds).flatMap(([kind, wanted]) => {
      const others =
        typeof wanted === 'number' ? [wanted + 1, wanted - 1] : [wanted.slice(1), [...wanted, 'one more']];
      const without = Object.entries(expectation.kinds).filter(([other]) => other !== kind);
      return [
        ...others.map((other) => remains({ ...expectation.kinds, [kind]: other })),
        remains(Object.fromEntries(without)),
      ];
    }),
  ];
}

function otherLines(line: LogExpectation): readonly LogExpectation[] {
  return [
    ...otherTexts(line.message).map((message) => ({ ...line, message })),
    ...(line.level === undefined ? [] : [{ ...line, level: line.level === 'debug' ? 'info' : 'debug' }]),
    ...Object.entries(line.fields).map(([name, value]) => ({
      ...line,
      fields: { ...line.fields, [name]: `${value}~` },
    })),
  ];
}

export interface ShorterJournal {
  readonly entries: readonly JournalEntry[];
  readonly checks: readonly CheckName[];
  readonly change: string;
}

/** The journal without one of the looks that the plan's expectations need. */
export function withoutLooks(run: RunPlan, entries: readonly JournalEntry[]): readonly ShorterJournal[] {
  const last = run.steps.at(-1)?.id;
  return run.steps.flatMap(({ id, within, on, expect }) => {
    const end = run.nodes.find(({ name }) => name === on)?.end;
    const asked = [expect, ...(id === last && end !== undefined ? [end] : [])];
    const checks: CheckName[] = [];
    if (asked.some(({ leftBehind }) => leftBehind !== undefined)) checks.push('left-behind');
    if (asked.some(({ pod, pods }) => pod !== undefined || pods !== undefined)) checks.push('pod');
    if (asked.some(({ container, containers }) => (container ?? containers) !== undefined))
      checks.push('container');
    if (asked.some(({ networkReady }) => networkReady !== undefined)) checks.push('network-ready');
    if (checks.length === 0) return [];
    const lookedAt = within ?? id;
    const without = entries.filter(
      (entry) => !(entry.kind === 'look' && entry.stepId === lookedAt && entry.node === on),
    );
    return [{ entries: without, checks, change: `without the look of ${lookedAt}` }];
  });
}

export const withoutEntries = (entries: readonly JournalEntry[], stepId: string): readonly JournalEntry[] =>
  entries.filter((entry) => !('stepId' in entry) || entry.stepId !== stepId);
