import type { ClusterEvent, ClusterNodeState, ClusterPodState, ClusterState } from '../core/cluster-state.ts';
import type {
  ClusterExpectation,
  ClusterNodeExpectation,
  ClusterPodsExpectation,
  EventExpectation,
  TextExpectation,
} from '../spec/scenario.ts';
import type { Bindings } from './bindings.ts';
import { fillIn, matchExpectation } from './text.ts';

/** Whether a cluster is as a file says, what the names in it then stand for, and otherwise the first thing that is not so. */
export function matchCluster(
  { nodes, pods, events, noEvents }: ClusterExpectation,
  state: ClusterState,
  known: Bindings,
): { readonly unmet?: string; readonly bindings: Bindings } {
  let bindings = known;
  for (const [name, expected] of Object.entries(nodes)) {
    const wrong = wrongOfNode(name, { expected, state });
    if (wrong !== undefined) return { unmet: wrong, bindings: known };
    for (const [text, actual] of textsOfNode(expected, nodeNamed(name, state))) {
      const match = matchExpectation(text, actual, bindings);
      if (!match.matched) return { unmet: `node ${name} says: ${actual}`, bindings: known };
      ({ bindings } = match);
    }
  }
  for (const [app, expected] of Object.entries(pods)) {
    const wrong = wrongOfPods(app, { expected, state });
    if (wrong !== undefined) return { unmet: wrong, bindings: known };
  }
  for (const event of events) {
    const found = findEvents(event, state.events, bindings);
    if (!isOften(event, found))
      return { unmet: `${countOf(found)} times ${describeEvent(event, bindings)}`, bindings: known };
    bindings = found.at(-1)?.bindings ?? bindings;
  }
  for (const event of noEvents) {
    const found = findEvents(event, state.events, bindings);
    if (found.length > 0) return { unmet: `there is ${describeEvent(event, bindings)}`, bindings: known };
  }
  return { bindings };
}

export const nodeNamed = (wanted: string, { nodes }: ClusterState): ClusterNodeState | undefined =>
  nodes.find(({ name }) => name === wanted);

/** How a node differs from what is expected of it, without its texts. */
export function wrongOfNode(
  name: string,
  { expected, state }: { readonly expected: ClusterNodeExpectation; readonly state: ClusterState },
): string | undefined {
  const seen = nodeNamed(name, state);
  if (seen === undefined) return `there is no node ${name}`;
  const { ready, schedulable, runtimeVersion } = expected;
  const isAsWanted =
    (ready === undefined || ready === seen.ready) &&
    (schedulable === undefined || schedulable === seen.schedulable) &&
    (runtimeVersion === undefined || runtimeVersion === seen.runtimeVersion);
  return isAsWanted ? undefined : describeNode(seen);
}

/** `node worker-1 with containerd://1.6.4 is Ready=True and cordoned: KubeletReady: …` */
export const describeNode = ({
  name,
  runtimeVersion,
  ready,
  schedulable,
  reason,
  message,
}: ClusterNodeState): string =>
  `node ${name} with ${runtimeVersion} is Ready=${ready}${schedulable ? '' : ' and cordoned'}: ${reason}: ${message}`;

export const textsOfNode = (
  { reason, message }: ClusterNodeExpectation,
  seen: ClusterNodeState | undefined,
): readonly (readonly [TextExpectation, string, 'reason' | 'message'])[] => [
  ...(reason === undefined ? [] : [[reason, seen?.reason ?? '', 'reason'] as const]),
  ...(message === undefined ? [] : [[message, seen?.message ?? '', 'message'] as const]),
];

export const podsOfApp = (app: string, { pods }: ClusterState): readonly ClusterPodState[] =>
  pods.filter((pod) => pod.app === app);

/** What is wrong with the pods of an app: how many there are, and where. */
export function wrongOfPods(
  app: string,
  { expected, state }: { readonly expected: ClusterPodsExpectation; readonly state: ClusterState },
): string | undefined {
  const pods = podsOfApp(app, state);
  const { count, ready, terminating, on } = expected;
  const onNodes = countByNode(pods);
  const isAsWanted =
    (count === undefined || count === pods.length) &&
    (ready === undefined || ready === pods.filter(isReady).length) &&
    (terminating === undefined || terminating === pods.filter((pod) => pod.terminating).length) &&
    (on === undefined || sameCounts(on, onNodes));
  return isAsWanted ? undefined : describePods(app, state);
}

const isReady = ({ ready, terminating }: ClusterPodState): boolean => ready && !terminating;

/** `pods of web: 3 of 4 ready, 1 terminating; 2 on worker-1, 2 on worker-2` */
export function describePods(app: string, state: ClusterState): string {
  const pods = podsOfApp(app, state);
  const terminating = pods.filter((pod) => pod.terminating).length;
  const places = Object.entries(countByNode(pods)).map(([node, many]) => `${many} on ${node}`);
  const unscheduled = pods.filter(({ node }) => node === undefined).length;
  return [
    `pods of ${app}: ${pods.filter(isReady).length} of ${pods.length} ready`,
    ...(terminating > 0 ? [`${terminating} terminating`] : []),
    ...places,
    ...(unscheduled > 0 ? [`${unscheduled} on no node`] : []),
  ].join(', ');
}

function countByNode(pods: readonly ClusterPodState[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { node } of pods) if (node !== undefined) counts[node] = (counts[node] ?? 0) + 1;
  return counts;
}

function sameCounts(
  wanted: Readonly<Record<string, number>>,
  seen: Readonly<Record<string, number>>,
): boolean {
  return [...new Set([...Object.keys(wanted), ...Object.keys(seen)])].every(
    (node) => (wanted[node] ?? 0) === (seen[node] ?? 0),
  );
}

/** An event that is as described, and what the names in its message stand for. */
export interface FoundEvent {
  readonly event: ClusterEvent;
  readonly bindings: Bindings;
}

export const findEvents = (
  expected: EventExpectation,
  events: readonly ClusterEvent[],
  known: Bindings,
): readonly FoundEvent[] =>
  events.flatMap((event) => {
    if (!isAbout(expected, event)) return [];
    if (expected.message === undefined) return [{ event, bindings: known }];
    const match = matchExpectation(expected.message, event.message, known);
    return match.matched ? [{ event, bindings: match.bindings }] : [];
  });

/** As described, whatever its message. */
export const isAbout = ({ about, type, reason }: EventExpectation, event: ClusterEvent): boolean =>
  (about === undefined || event.name === about || event.name.startsWith(`${about}-`)) &&
  (type === undefined || event.type === type) &&
  (reason === undefined || event.reason === reason);

export const countOf = (found: readonly FoundEvent[]): number =>
  found.reduce((sum, { event }) => sum + event.count, 0);

export const isOften = ({ times }: EventExpectation, found: readonly FoundEvent[]): boolean =>
  times === undefined ? found.length > 0 : countOf(found) === times;

/** `Warning FailedCreatePodSandBox about web: …` */
export function describeEvent({ about, type, reason, message }: EventExpectation, known: Bindings): string {
  const text = message && ('exact' in message ? message.exact : message.contains);
  return [
    type ?? 'an event',
    reason,
    ...(about === undefined ? [] : ['about', about]),
    ...(text === undefined ? [] : [`: ${fillIn(text, known)}`]),
  ]
    .filter((word) => word !== undefined)
    .join(' ')
    .replace(' : ', ': ');
}
