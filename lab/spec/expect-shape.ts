import { CONTAINER_STATES, STATE_KINDS, type StateKind, RUNTIME_STATES } from '../core/node-state.ts';
import { CRI_KEYS, CRI_KEYS_OF_CONTAINER } from './pod-shape.ts';
import { NETNS_CHANGES } from '../core/recorded.ts';
import { CONTROL_PLANE } from '../core/cluster-state.ts';
import { clusterExpectShape } from './cluster-expect-shape.ts';
import { callOrderShape, callShape, countedCallShape } from './call-shape.ts';
import { present, object } from './object-shape.ts';
import { bool, wholeNumber, word, whenShape } from './scalar-shapes.ts';
import type {
  ContainerExpectation,
  EndExpectation,
  Expectation,
  LeftBehindExpectation,
  LogExpectation,
  NetworkExpectation,
  PodExpectation,
  TextExpectation,
} from './scenario.ts';
import type { Entry, YamlValue } from './yaml-value.ts';
import { about, byKind, list, mapOf, mapped, named, notEmpty, oneOrMany, type Shape } from './shape.ts';
import {
  hasNode,
  mentionNode,
  aboutOneNode,
  exactOrPart,
  forTexts,
  nameShape,
  template,
} from './text-shapes.ts';

export const POD_STATES = ['ready', 'not-ready', 'absent'] as const;
const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'fatal', 'panic'] as const;

const fieldsShape = mapped(
  notEmpty(
    mapOf(template('expectation'), { build: (value, name) => [name, value] as const }),
    'name a field, or leave it out',
  ),
  (pairs) => Object.fromEntries(pairs),
);

/** A line of the runtime log. `wait-for` uses it too. */
export const logShape: Shape<LogExpectation> = named(
  'log-line',
  byKind<LogExpectation>({
    ...forTexts(
      mapped(template('expectation'), (exact, { place }) => ({
        message: { exact, place },
        fields: {},
        place,
      })),
    ),
    mapping: object(
      {
        required: { message: about('the whole message, unquoted', exactOrPart) },
        optional: {
          level: about('as the line says', word(LEVELS)),
          fields: about('key=value pairs after the message; others may be there too', fieldsShape),
        },
      },
      ({ message, level, fields }, { place }) => ({
        message,
        ...present({ level }),
        fields: fields ?? {},
        place,
      }),
    ),
  }),
);

/** `wait-for` uses it too. */
export const networkShape: Shape<NetworkExpectation> = named(
  'network-ready',
  byKind<NetworkExpectation>({
    boolean: mapped(bool, (ready, { place }) => ({ place, ready })),
    mapping: notEmpty(
      object(
        {
          required: {},
          optional: {
            reason: about('of a network that is not ready: NetworkPluginNotReady', exactOrPart),
            message: about('the whole message, as kubelet prints it after "message:"', exactOrPart),
          },
          otherWords: { ready: 'a reason and a message mean false; without them, write true or false' },
        },
        ({ reason, message }, { place }) => ({ place, ready: false, ...present({ reason, message }) }),
      ),
      'write true or false, or the reason and the message',
    ),
  }),
);

const amountShape = byKind<number | readonly string[]>({
  number: wholeNumber({ min: 0 }),
  list: list(template('expectation')),
});

const leftBehindOf = (name: string, keys: readonly string[]): Shape<LeftBehindExpectation> =>
  named(
    name,
    byKind<LeftBehindExpectation>({
      text: mapped(word(['none']), (_none, spot) => ({ none: true, place: spot.place })),
      mapping: notEmpty(
        mapped(
          mapOf(amountShape, { keys, build: (value, kind) => [kind, value] as const }),
          (pairs, spot) => {
            const kinds: Partial<Record<StateKind | 'shared', number | readonly string[]>> =
              Object.fromEntries(pairs);
            return { none: false, kinds, place: spot.place };
          },
        ),
        'write "none", or the kinds of things that are left',
      ),
    }),
  );

const leftBehindShape = leftBehindOf('left-behind', [...STATE_KINDS, 'shared']);
/** Shared items do not belong to a single pod. */
const leftBehindOfPod = leftBehindOf('left-behind-of-pod', STATE_KINDS);

const podShape: Shape<PodExpectation> = named(
  'pod-expectation',
  notEmpty(
    object(
      {
        required: {},
        optional: {
          state: about('absent: CRI does not list it', word(POD_STATES)),
          ips: about(
            "how many addresses, or which ones in CRI's order",
            byKind<number | readonly string[]>({
              number: wholeNumber({ min: 0 }),
              list: list(template('matrix')),
            }),
          ),
          'left-behind': about('none, or by kind what there is of this pod', leftBehindOfPod),
          ignored: about(
            'keys of the pod that the runtime has dropped, as it does not know them; default: none',
            list(word(CRI_KEYS)),
          ),
        },
      },
      ({ 'left-behind': leftBehind, ...values }) => ({ ...values, ...present({ leftBehind }) }),
    ),
    'write the state or the addresses that the pod must have, or what is left behind of it',
  ),
);

const containerShape: Shape<ContainerExpectation> = named(
  'container-expectation',
  notEmpty(
    object(
      {
        required: {},
        optional: {
          state: about('absent: CRI does not list it', word(CONTAINER_STATES)),
          'exit-code': about('of a container that has exited', wholeNumber({ min: 0, max: 255 })),
          reason: about('of one that has exited: Completed, Error, OOMKilled, StartError', exactOrPart),
          message: about('why one has exited, where the runtime says it', exactOrPart),
          restarts: about("how often it was created again: CRI's attempt", wholeNumber({ min: 0 })),
          ignored: about(
            'keys of the container that the runtime has dropped, as it does not know them; default: none',
            list(word(CRI_KEYS_OF_CONTAINER)),
          ),
        },
        otherWords: { attempt: 'it is called restarts', status: 'it is called state' },
      },
      (values, spot): ContainerExpectation | undefined => {
        const { state, 'exit-code': exitCode, reason, message, ...rest } = values;
        const ofEnd = Object.entries({ 'exit-code': exitCode, reason, message });
        const [asked] = ofEnd.find(([, value]) => value !== undefined) ?? [];
        if (asked !== undefined && state !== undefined && state !== 'exited')
          return spot.mistake(`only a container that has exited has "${asked}"; leave it or "state" out`);
        return { place: spot.place, ...rest, ...present({ state, exitCode, reason, message }) };
      },
    ),
    'write the state that the container must have, or how it has exited',
  ),
);

const containersShape: Shape<Readonly<Record<string, ContainerExpectation>>> = notEmpty(
  mapped(
    mapOf(containerShape, {
      key: (name, spot) => spot.mention({ kind: 'used', what: 'container', name }),
      build: (container, name) => [name, container] as const,
    }),
    (containers) => Object.fromEntries(containers),
  ),
  'name the containers that are meant',
);

type PodsExpectation = NonNullable<Expectation['pods']>;

const podsShape: Shape<PodsExpectation> = byKind<PodsExpectation>({
  text: word(['none']),
  mapping: notEmpty(
    mapped(
      mapOf(podShape, {
        key: (name, spot) => spot.mention({ kind: 'used', what: 'pod', name }),
        build: (pod, name) => [name, pod] as const,
      }),
      (pods) => Object.fromEntries(pods),
    ),
    'write "none", or the pods that are meant',
  ),
});

const commonKeys = {
  when: about(
    'component or axis → range, or the very text of a value; without it the expectation always holds',
    whenShape,
  ),
  runtime: about(
    'how the runtime is: running, not-ready (CRI does not answer) or ended; default: as the steps have left it',
    word(RUNTIME_STATES),
  ),
  'network-ready': about(
    "CRI's NetworkReady: true, false, or the reason and the message of one that is not ready",
    networkShape,
  ),
  pods: about('none, or pods by name with their state and addresses', podsShape),
  containers: about('containers by name, with their state and how they have exited', containersShape),
  'left-behind': about('none, or by kind what is there and was not at the start', leftBehindShape),
  log: about('lines that the runtime has logged in this step', oneOrMany(logShape)),
  'no-log': about('lines that the runtime has not logged in this step', oneOrMany(logShape)),
  calls: about(
    'calls of plugins in this step: bridge ADD, or with their input and result',
    oneOrMany(countedCallShape),
  ),
  'no-calls': about('calls of plugins that there are not in this step', oneOrMany(callShape)),
  netns: about(
    'how network namespaces of /run/netns came and went, one after the other: [appeared, disappeared]',
    mapped(list(word(NETNS_CHANGES)), (changes, { place }) => ({ place, changes })),
  ),
  'call-order': about('calls of plugins, each of which starts later than the one before', callOrderShape),
  cluster: about('nodes, pods and events of the cluster, as its API server has them', clusterExpectShape),
};

interface CommonValues {
  readonly when?: Expectation['when'];
  readonly runtime?: Expectation['runtime'];
  readonly 'network-ready'?: NetworkExpectation;
  readonly pods?: Expectation['pods'];
  readonly containers?: Expectation['containers'];
  readonly 'left-behind'?: LeftBehindExpectation;
  readonly log?: readonly LogExpectation[];
  readonly 'no-log'?: readonly LogExpectation[];
  readonly calls?: Expectation['calls'];
  readonly 'no-calls'?: Expectation['noCalls'];
  readonly 'call-order'?: Expectation['callOrder'];
  readonly netns?: Expectation['netns'];
  readonly cluster?: Expectation['cluster'];
}

const commonExpectation = (values: CommonValues) => ({
  ...present({
    when: values.when,
    runtime: values.runtime,
    networkReady: values['network-ready'],
    pods: values.pods,
    containers: values.containers,
    leftBehind: values['left-behind'],
    calls: values.calls,
    noCalls: values['no-calls'],
    callOrder: values['call-order'],
    netns: values.netns,
    cluster: values.cluster,
  }),
  log: values.log ?? [],
  noLog: values['no-log'] ?? [],
});

const stepKeys = {
  ok: about('whether the step succeeds', bool),
  error: about('the whole error, without what crictl puts around it; the step fails', exactOrPart),
  output: about(
    'the whole standard output of the command; a line break at its end counts where this text has one',
    exactOrPart,
  ),
  'exit-code': about('of the command', wholeNumber({ min: 0, max: 255 })),
  'timed-out': about('whether the step runs into its own limit, so that there is no answer', bool),
  pod: about("state and addresses of the step's pod", podShape),
  container: about("state of the step's container, and how it has exited", containerShape),
  ...commonKeys,
};

interface StepValues extends CommonValues {
  readonly ok?: boolean;
  readonly error?: TextExpectation;
  readonly output?: TextExpectation;
  readonly 'exit-code'?: number;
  readonly 'timed-out'?: boolean;
  readonly pod?: PodExpectation;
  readonly container?: ContainerExpectation;
}

function stepExpectation(
  { ok, error, output, 'exit-code': exitCode, 'timed-out': timedOut, pod, container, ...rest }: StepValues,
  spot: YamlValue,
): Expectation | undefined {
  if (ok === true && error !== undefined) {
    return spot.mistake('"ok: true" contradicts "error"; leave "ok" out');
  }
  const answer = Object.entries({ ok, error, output, 'exit-code': exitCode });
  const [asked] = answer.find(([, value]) => value !== undefined) ?? [];
  if (timedOut === true && asked !== undefined) {
    return spot.mistake(`"timed-out: true" says that there is no answer; leave "${asked}" out`);
  }
  const success = error === undefined ? ok : false;
  return {
    ...commonExpectation(rest),
    place: spot.place,
    ...present({ ok: success, error, output, exitCode, timedOut, pod, container }),
  };
}

const NOT_EMPTY = 'leave "expect" out, or write "ok: true"';

/** The content of `expect` of a step: a list of branches, of which one applies to each cell, or a single branch. */
export const stepExpectShape: Shape<readonly Expectation[]> = oneOrMany(
  named('expectation', notEmpty(object({ required: {}, optional: stepKeys }, stepExpectation), NOT_EMPTY)),
);

const ofParallel = notEmpty(
  object(
    {
      required: {},
      optional: { on: about('the node, where the steps are on several', nameShape), ...stepKeys },
    },
    ({ on, ...values }, spot): EndExpectation | undefined => {
      const expectation = stepExpectation(values, spot);
      return expectation && { ...expectation, ...present({ on }) };
    },
  ),
  NOT_EMPTY,
);

/** The same of a `parallel`; where its steps are on several nodes, each is about one of them. */
export const parallelExpectShape: Shape<readonly EndExpectation[]> = oneOrMany(
  named('parallel-expectation', {
    ...ofParallel,
    read: (spot) => {
      if (hasNode(spot)) mentionNode('an expectation of "parallel"', spot);
      return ofParallel.read(spot);
    },
  }),
);

/** It names no node, and says something of the cluster. */
function isEndOfCluster(entries: readonly Entry[]): boolean {
  return entries.some(({ name }) => name === 'cluster') && entries.every(({ name }) => name !== 'on');
}

/** What `expect` may hold at the end of a file: of the node, not of a command. */
export const endExpectShape: Shape<readonly EndExpectation[]> = oneOrMany(
  named(
    'end-expectation',
    aboutOneNode(
      'an expectation of the end',
      notEmpty(
        object(
          {
            required: {},
            optional: { on: about('the node, where there are several', nameShape), ...commonKeys },
            otherWords: { ok: 'it is of a step' },
          },
          (values, spot) => ({
            ...commonExpectation(values),
            ...present({ on: isEndOfCluster(spot.entries) ? CONTROL_PLANE : values.on }),
            place: spot.place,
          }),
        ),
        'leave "expect" out',
      ),
      isEndOfCluster,
    ),
  ),
);

const { when, runtime, 'network-ready': networkReady, log, 'no-log': noLog } = commonKeys;

/** The content of `expect` of `node`, which is about its start. */
export const startExpectShape: Shape<readonly Expectation[]> = oneOrMany(
  named(
    'start-expectation',
    object(
      { required: {}, optional: { when, runtime, 'network-ready': networkReady, log, 'no-log': noLog } },
      (values, spot) => ({ ...commonExpectation(values), place: spot.place }),
    ),
  ),
);
