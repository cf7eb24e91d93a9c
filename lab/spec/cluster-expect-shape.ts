import { object, present } from './object-shape.ts';
import { bool, text, wholeNumber, word } from './scalar-shapes.ts';
import type {
  ClusterExpectation,
  ClusterNodeExpectation,
  ClusterPodsExpectation,
  EventExpectation,
} from './scenario.ts';
import { about, byKind, mapOf, mapped, named, notEmpty, oneOrMany, type Shape } from './shape.ts';
import { exactOrPart } from './text-shapes.ts';
import type { YamlValue } from './yaml-value.ts';

const mentionNode = (name: string, spot: YamlValue): void => spot.mention({ kind: 'node-name', name });

/** By the name of a node of the cluster. */
const byNode = <T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> =>
  notEmpty(
    mapped(mapOf(shape, { key: mentionNode, build: (value, name) => [name, value] as const }), (pairs) =>
      Object.fromEntries(pairs),
    ),
    'name a node',
  );

const readyShape: Shape<'True' | 'False' | 'Unknown'> = byKind<'True' | 'False' | 'Unknown'>({
  boolean: mapped(bool, (ready) => (ready ? 'True' : 'False')),
  text: mapped(word(['unknown']), () => 'Unknown' as const),
});

const version = text({
  wanted: 'a runtime and its version, as name://version',
  pattern: /^[a-z-]+:\/\/.+$/,
});

const nodeShape: Shape<ClusterNodeExpectation> = named(
  'cluster-node-expectation',
  notEmpty(
    object(
      {
        required: {},
        optional: {
          ready: about(
            'its condition Ready: true, false, or unknown where its kubelet does not report',
            readyShape,
          ),
          reason: about('of that condition: KubeletNotReady', exactOrPart),
          message: about('of that condition, the whole of it', exactOrPart),
          schedulable: about('false: it is cordoned', bool),
          'runtime-version': about('name://version, as its kubelet has reported it last', version),
        },
      },
      ({ 'runtime-version': runtimeVersion, ...values }, { place }) => ({
        place,
        ...values,
        ...present({ runtimeVersion }),
      }),
    ),
    'write ready or schedulable',
  ),
);

const count = (description: string) => about(description, wholeNumber({ min: 0 }));

const podsShape: Shape<ClusterPodsExpectation> = named(
  'cluster-pods-expectation',
  notEmpty(
    object(
      {
        required: {},
        optional: {
          count: count('how many there are, those that are being deleted included'),
          ready: count('how many are Ready and not being deleted'),
          terminating: count('how many are being deleted'),
          on: about(
            'how many are on each node; on a node that is not named there are none',
            byNode(wholeNumber({ min: 0 })),
          ),
        },
      },
      (values, { place }) => ({ place, ...values }),
    ),
    'write count, ready, terminating or on',
  ),
);

const eventKeys = {
  about: about(
    'the name of its object, or its beginning up to a hyphen: web is also of the pod web-6d4cf56db6-x7x2p',
    text(),
  ),
  type: about('as the event says', word(['Normal', 'Warning'])),
  reason: about('as the event says: FailedCreatePodSandBox', text()),
  message: about('the whole message', exactOrPart),
};

const eventShape: Shape<EventExpectation> = notEmpty(
  object({ required: {}, optional: eventKeys }, (values, { place }) => ({ place, ...values })),
  'write about, reason or message',
);

const countedEventShape: Shape<EventExpectation> = notEmpty(
  object(
    {
      required: {},
      optional: { ...eventKeys, times: about('how often it happened in all', wholeNumber({ min: 1 })) },
    },
    (values, { place }) => ({ place, ...values }),
  ),
  'write about, reason or message',
);

/** What `expect` says of a cluster, and what `wait-for` waits for. */
export const clusterExpectShape: Shape<ClusterExpectation> = named(
  'cluster-expectation',
  notEmpty(
    object(
      {
        required: {},
        optional: {
          nodes: about('nodes of the cluster by name, as its API server has them', byNode(nodeShape)),
          pods: about(
            'pods of all namespaces, by their label app',
            notEmpty(
              mapped(mapOf(podsShape, { build: (pods, app) => [app, pods] as const }), (pairs) =>
                Object.fromEntries(pairs),
              ),
              'name the value of a label app',
            ),
          ),
          events: about(
            'events that there were since the start of the cluster',
            oneOrMany(countedEventShape),
          ),
          'no-events': about('events that there were not', oneOrMany(eventShape)),
        },
      },
      ({ nodes = {}, pods = {}, events = [], 'no-events': noEvents = [] }, { place }) => ({
        ...{ place, nodes, pods, events, noEvents },
      }),
    ),
    'write nodes, pods or events',
  ),
);
