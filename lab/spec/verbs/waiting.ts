import { pasteable } from '../../core/content.ts';
import { unreachable } from '../../core/lab-error.ts';
import { CONTAINER_STATES } from '../../core/node-state.ts';
import { clusterExpectShape } from '../cluster-expect-shape.ts';
import type { ClusterExpectation, Condition } from '../scenario.ts';
import { about, mapped, type Shape } from '../shape.ts';
import { asWritten, verb, type CellValues } from './verb-spec.ts';
import { POD_STATES, logShape, networkShape } from '../expect-shape.ts';
import { word } from '../scalar-shapes.ts';
import { object, unionByKey } from '../object-shape.ts';
import { killedName, usedBackground, usedContainer, usedPod, argvShape } from '../text-shapes.ts';

/** What `wait-for` waits for. */
const conditionShape: Shape<Condition> = unionByKey<Condition>('wait-for', {
  'network-ready': object(
    {
      required: { 'network-ready': about("CRI's NetworkReady, as expectations have it", networkShape) },
      optional: {},
    },
    (values) => ({ until: 'network-ready', network: values['network-ready'] }),
  ),
  pod: object(
    {
      required: { pod: usedPod, state: about('absent: CRI does not list it', word(POD_STATES)) },
      optional: {},
    },
    ({ pod, state }) => ({
      until: 'pod',
      pod,
      state,
    }),
  ),
  container: object(
    {
      required: {
        container: usedContainer,
        state: about('absent: CRI does not list it', word(CONTAINER_STATES)),
      },
      optional: {},
    },
    ({ container, state }) => ({ until: 'container', container, state }),
  ),
  log: object(
    {
      required: {
        log: about('a line of the log of the runtime, written since the step before began', logShape),
      },
      optional: {},
    },
    ({ log }) => ({
      until: 'log',
      line: log,
    }),
  ),
  command: object(
    {
      required: { command: about('a command that must succeed', argvShape) },
      optional: {},
    },
    ({ command }) => ({ until: 'command', argv: command }),
  ),
  cluster: object(
    {
      required: { cluster: about('nodes, pods and events, as expectations have them', clusterExpectShape) },
      optional: {},
    },
    ({ cluster }) => ({ until: 'cluster', cluster }),
  ),
  background: object({ required: { background: usedBackground }, optional: {} }, ({ background }) => ({
    until: 'background',
    background,
  })),
});

export const WAITING_VERBS = {
  'wait-for': verb<{ readonly condition: Condition }>({
    shape: about(
      'waits until it is so, or the timeout',
      mapped(conditionShape, (condition) => ({ condition })),
    ),
    recorded: ['wait'],
    plan: ({ condition }, cell) => ({ condition: planCondition(condition, cell) }),
    describe: ({ condition }) => describeCondition(condition),
    otherPods: ({ condition }) => (condition.until === 'pod' ? [condition.pod] : []),
    container: ({ condition }) => (condition.until === 'container' ? condition.container : undefined),
    background: ({ condition }) => (condition.until === 'background' ? condition.background : undefined),
  }),
  kill: verb<{ readonly background: string }>({
    shape: about(
      'kills a step that goes on in the background, with all that it started, or a listener',
      mapped(killedName, (background) => ({ background })),
    ),
    recorded: ['wait'],
    plan: asWritten,
    describe: ({ background }) => background,
    background: ({ background }) => background,
  }),
  /** Steps that are started at the same time. It ends when the last of them has ended. */
  parallel: verb<object>({ recorded: ['wait'], plan: asWritten, describe: () => '' }),
};

function planCondition(condition: Condition, cell: CellValues): Condition {
  switch (condition.until) {
    case 'log':
      return { ...condition, line: cell.logLine(condition.line) };
    case 'command':
      return { ...condition, argv: condition.argv.map(cell.template) };
    case 'cluster':
      return { ...condition, cluster: cell.cluster(condition.cluster) };
    case 'network-ready':
      return { ...condition, network: cell.network(condition.network) };
    case 'pod':
    case 'container':
    case 'background':
      return condition;
    default:
      return unreachable(condition);
  }
}

/** `nodes worker-1; pods of web` */
export const describeCluster = ({ nodes, pods, events, noEvents }: ClusterExpectation): string =>
  [
    ...(Object.keys(nodes).length === 0 ? [] : [`nodes ${Object.keys(nodes).join(', ')}`]),
    ...(Object.keys(pods).length === 0 ? [] : [`pods of ${Object.keys(pods).join(', ')}`]),
    ...(events.length + noEvents.length === 0 ? [] : ['events']),
  ].join('; ');

function describeCondition(condition: Condition): string {
  switch (condition.until) {
    case 'network-ready':
      return condition.network.ready ? 'the network is ready' : 'the network is not ready';
    case 'pod':
      return `pod ${condition.pod} is ${condition.state}`;
    case 'container':
      return `container ${condition.container} is ${condition.state}`;
    case 'log': {
      const { message } = condition.line;
      return `in the log: ${'exact' in message ? message.exact : message.contains}`;
    }
    case 'command':
      return pasteable(condition.argv);
    case 'cluster':
      return describeCluster(condition.cluster);
    case 'background':
      return `the end of ${condition.background}`;
    default:
      return unreachable(condition);
  }
}
