import * as v from 'valibot';

import type {
  ClusterEvent,
  ClusterLook,
  ClusterNodeState,
  ClusterPodState,
} from '../../core/cluster-state.ts';
import { readJson } from '../../core/json.ts';
import type { CommandResult } from '../../core/ports.ts';

/** What lists all that a look at a cluster shows. */
export const LIST_STATE: readonly string[] = [
  ...['kubectl', 'get', 'nodes,pods,events', '--all-namespaces', '--output', 'json'],
];

const text = v.optional(v.string(), '');
const condition = v.looseObject({ type: v.string(), status: v.string(), reason: text, message: text });
const metadata = v.looseObject({
  name: v.string(),
  namespace: text,
  labels: v.optional(v.record(v.string(), v.string()), {}),
  deletionTimestamp: text,
});
const conditions = v.optional(v.array(condition), []);

const NODE = v.looseObject({
  kind: v.literal('Node'),
  metadata,
  spec: v.looseObject({ unschedulable: v.optional(v.boolean(), false) }),
  status: v.looseObject({
    conditions,
    nodeInfo: v.optional(v.looseObject({ containerRuntimeVersion: text }), {}),
  }),
});
const POD = v.looseObject({
  kind: v.literal('Pod'),
  metadata,
  spec: v.looseObject({ nodeName: text }),
  status: v.looseObject({ phase: text, podIP: text, conditions }),
});
const EVENT = v.looseObject({
  kind: v.literal('Event'),
  metadata,
  involvedObject: v.looseObject({ kind: text, name: text }),
  ...{ type: text, reason: text, message: text },
  count: v.optional(v.nullable(v.number()), 1),
  firstTimestamp: v.optional(v.nullable(v.string()), ''),
  eventTime: v.optional(v.nullable(v.string()), ''),
});
const LIST = v.looseObject({ items: v.array(v.variant('kind', [NODE, POD, EVENT])) });

/** The state of a cluster from what `LIST_STATE` printed, or why there is none. */
export function readState({ exitCode, timedOut, stdout, stderr }: CommandResult): ClusterLook {
  if (timedOut) return { unseen: 'the API server did not answer' };
  if (exitCode !== 0) return { unseen: stderr.trim().split('\n').at(-1) ?? '' };
  const list = readJson(LIST, stdout);
  if (list === undefined) return { unseen: 'kubectl did not print a list of nodes, pods and events' };
  const { items } = list;
  const events = items
    .flatMap((item) => (item.kind === 'Event' ? [item] : []))
    .map((event) => ({ event, at: event.firstTimestamp || event.eventTime || '' }))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return {
    nodes: items.flatMap((item) => (item.kind === 'Node' ? [nodeOf(item)] : [])),
    pods: items.flatMap((item) => (item.kind === 'Pod' ? [podOf(item)] : [])),
    events: events.map(({ event }) => eventOf(event)),
  };
}

const readyOf = (all: readonly v.InferOutput<typeof condition>[]) => all.find(({ type }) => type === 'Ready');

function nodeOf({ metadata: { name }, spec, status }: v.InferOutput<typeof NODE>): ClusterNodeState {
  const { status: ready = 'Unknown', reason = '', message = '' } = readyOf(status.conditions) ?? {};
  return {
    name,
    schedulable: !spec.unschedulable,
    ready: ready === 'True' || ready === 'False' ? ready : 'Unknown',
    reason,
    message,
    runtimeVersion: status.nodeInfo.containerRuntimeVersion,
  };
}

function podOf({ metadata: own, spec, status }: v.InferOutput<typeof POD>): ClusterPodState {
  const { app } = own.labels;
  return {
    namespace: own.namespace,
    name: own.name,
    ...(app === undefined ? {} : { app }),
    ...(spec.nodeName === '' ? {} : { node: spec.nodeName }),
    phase: status.phase,
    ready: readyOf(status.conditions)?.status === 'True',
    terminating: own.deletionTimestamp !== '',
    ...(status.podIP === '' ? {} : { ip: status.podIP }),
  };
}

const eventOf = (event: v.InferOutput<typeof EVENT>): ClusterEvent => ({
  kind: event.involvedObject.kind,
  name: event.involvedObject.name,
  type: event.type,
  reason: event.reason,
  message: event.message,
  count: event.count ?? 1,
});
