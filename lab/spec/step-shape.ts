import { CONTROL_PLANE } from '../core/cluster-state.ts';
import { parallelExpectShape, stepExpectShape } from './expect-shape.ts';
import { present, object, unionByKey, type ObjectShape, type OtherWords } from './object-shape.ts';
import { text, timeShape, whenShape } from './scalar-shapes.ts';
import type { EndExpectation, Expectation, StepSpec, When } from './scenario.ts';
import { LIMITS } from './limits.ts';
import { mentioning } from './mention.ts';
import { about, list, mapped, type Shape } from './shape.ts';
import type { Entry, YamlValue } from './yaml-value.ts';
import { isOfCluster } from './verbs/cluster.ts';
import {
  VERBS,
  isVerb,
  containerOfAction,
  madeBy,
  mayTimeOut,
  podOfAction,
  runsOneCommand,
  runsCommands,
  specOf,
  type Action,
  type Verb,
} from './verbs/verbs.ts';
import { hasNode, mentionNode, nameShape } from './text-shapes.ts';

/** Keys of every step. */
const OF_ANY_STEP = {
  expect: about(
    'what must be so after this step; one branch, or several with "when"; default: ok: true',
    stepExpectShape,
  ),
  timeout: about('of the commands of this step: 30s, 500ms, 2m', timeShape),
  note: about('for readers; a report shows it where the step is wrong', text()),
  when: about('the step is for these versions or values only; others do without it', whenShape),
};

const OF_ONE_TOGETHER = { ...OF_ANY_STEP, on: about('the node, where there are several', nameShape) };

/** And the one that a step of a `parallel` does not have. */
const COMMON = {
  ...OF_ONE_TOGETHER,
  background: about(
    'a name under which it goes on while later steps are taken, until wait-for: { background: NAME } or kill: NAME',
    mentioning(nameShape, (name) => ({ kind: 'background', name })),
  ),
};

interface CommonValues {
  readonly expect: readonly Expectation[];
  readonly timeout: number;
  readonly note: string;
  readonly on: string;
  readonly background: string;
  readonly when: When;
}

const SHELL = "a shell is a program like any other: exec: [sh, -c, 'ip addr | grep cni0']";
const SLEEP = "wait for what is wanted, with wait-for; time alone passes with exec: [sleep, '2']";
const OTHER_WORDS: OtherWords = {
  shell: SHELL,
  sh: SHELL,
  bash: SHELL,
  run: SHELL,
  command: SHELL,
  cmd: SHELL,
  script: SHELL,
  sleep: SLEEP,
  delay: SLEEP,
  pause: SLEEP,
  wait: "use wait-for: { command: [test, -e, /run/x] }; time alone passes with exec: [sleep, '2']",
  'create-pod': 'use run-pod',
  'start-pod': 'use run-pod',
  'delete-pod': 'use remove-pod',
  'delete-container': 'use remove-container',
  'run-container': 'use create-container, then start-container',
  'restart-runtime': 'use stop-runtime, then start-runtime',
  'upgrade-runtime': 'use replace-runtime',
  'stop-containerd': 'use stop-runtime',
  'kill-containerd': 'use kill-runtime',
  'start-containerd': 'use start-runtime',
  'replace-containerd': 'use replace-runtime',
  'restart-containerd': 'use stop-runtime, then start-runtime',
  'upgrade-containerd': 'use replace-runtime',
  crictl: 'use exec: [crictl, pods], or a step of its own such as run-pod',
};

/** A step as it is written in a file. A `parallel` has its steps in it, which have no number yet. */
export type WrittenStep = Omit<StepSpec, 'number' | 'within' | 'expect'> & {
  /** with `on` where the steps of a `parallel` are on several nodes */
  readonly expect: readonly EndExpectation[];
  readonly together?: readonly WrittenStep[];
};

/**
 * All steps of a file with their numbers; what `parallel` starts stands before it. One whose steps are on several nodes is a step
 * on each of these nodes, with the expectations that are about it, and the same number.
 */
export const numbered = (steps: readonly WrittenStep[]): readonly StepSpec[] =>
  steps.flatMap(({ together = [], expect, ...step }, index) => {
    const number = String(index + 1);
    const within = { number, ...present({ when: step.when }) };
    const nodes = step.on === undefined ? [...new Set(together.flatMap(({ on }) => on ?? []))] : [];
    const on = (node: string | undefined) => present({ on: node });
    return [
      ...together.map((one, at) => ({
        ...one,
        ...on(one.on ?? step.on),
        number: `${number}.${at + 1}`,
        within,
      })),
      ...(nodes.length === 0
        ? [{ ...step, expect, number }]
        : nodes.map((node) => ({ ...step, ...on(node), expect: expectedOf(node, expect), number }))),
    ];
  });

const expectedOf = (node: string, expect: readonly EndExpectation[]): readonly Expectation[] =>
  expect.filter(({ on }) => on === node).map(({ on: _on, ...rest }) => rest);

const SINGLE_VERBS = Object.keys(VERBS)
  .filter(isVerb)
  .filter((verb) => VERBS[verb].shape !== undefined);

/** One of the steps that `parallel` starts. */
const stepTogether: Shape<WrittenStep> = unionByKey(
  'a step of "parallel"',
  Object.fromEntries(
    SINGLE_VERBS.filter((verb) => !isOfCluster(verb)).map((verb) => [verb, stepOf(verb, OF_ONE_TOGETHER)]),
  ),
  OTHER_WORDS,
);

/** Steps that are started at the same time. Each ends by itself; then the node is looked at once for all of them. */
const togetherShape: Shape<readonly WrittenStep[]> = mapped(
  about(
    'steps that are started at the same time, each of one command; the node is looked at when all have ended',
    list(
      {
        ...stepTogether,
        read: (spot) => {
          if (hasNode(spot)) mentionNode('a step of "parallel"', spot);
          spot.mention({ kind: 'together' });
          return stepTogether.read(spot);
        },
      },
      { min: 2, max: LIMITS.parallel },
    ),
  ),
  (steps, spot) => {
    for (const [index, step] of steps.entries())
      checkTogether(step, { steps, spot: spot.items[index] ?? spot });
    spot.mention({ kind: 'together-end' });
    spot.mention({ kind: 'step', verb: 'parallel' });
    return steps;
  },
);

/** Reports expectations on one step that cannot be decided while other steps run. */
function checkTogether(
  { action, expect }: WrittenStep,
  { steps, spot }: { readonly steps: readonly WrittenStep[]; readonly spot: YamlValue },
): void {
  if (!runsOneCommand(action))
    spot.mistake(`only steps that run one command can be started at the same time; ${action.do} does not`);
  const made = madeBy(action);
  const makers = steps.filter((one) => made !== undefined && madeBy(one.action) === made);
  if (makers.length > 1 && makers[0]?.action === action)
    spot.mistake(`two steps that are started at the same time make "${made ?? ''}"; give them other names`);
  const pod = podOfAction(action);
  const sharesPod = pod !== undefined && steps.filter((one) => podOfAction(one.action) === pod).length > 1;
  const at = spot.entries.find(({ name }) => name === 'expect')?.value ?? spot;
  for (const {
    runtime,
    networkReady,
    pods,
    containers,
    leftBehind,
    log,
    noLog,
    netns,
    cluster,
    ...ofStep
  } of expect) {
    for (const [key, isThere] of [
      ['runtime', runtime !== undefined],
      ['network-ready', networkReady !== undefined],
      ['pods', pods !== undefined],
      ['containers', containers !== undefined],
      ['left-behind', leftBehind !== undefined],
      ['netns', netns !== undefined],
      ['cluster', cluster !== undefined],
      ['log', log.length > 0],
      ['no-log', noLog.length > 0],
    ] as const)
      if (isThere)
        at.mistake(
          `"${key}" is about the node and all of these steps; write it in the "expect" of "parallel"`,
          key,
        );
    for (const [key, value] of [
      ['calls', ofStep.calls],
      ['no-calls', ofStep.noCalls],
      ['call-order', ofStep.callOrder],
    ] as const)
      if (value !== undefined && (pod === undefined || sharesPod))
        at.mistake(
          `${pod === undefined ? `${action.do} has no pod` : `another of these steps is about "${pod}", too`}, so nobody knows which calls are its own; write "${key}" in the "expect" of "parallel"`,
          key,
        );
  }
}

const OF_EACH_STEP = 'each of the steps has its own';
const parallelExpect = about(
  'what must be so when all of them have ended; several nodes: one for each, with "on"',
  parallelExpectShape,
);

const parallelShape: ObjectShape<WrittenStep> = object(
  {
    required: { parallel: togetherShape },
    optional: { expect: parallelExpect, note: COMMON.note, on: COMMON.on, when: COMMON.when },
    otherWords: { timeout: OF_EACH_STEP, background: 'it ends when all of its steps have ended' },
  },
  ({ parallel, on, when, note, expect = [] }, spot) => {
    const action: Action = { do: 'parallel' };
    const at = spot.entries.find(({ name }) => name === 'expect')?.value ?? spot;
    for (const { ok, error, output, exitCode, timedOut, pod, container } of expect)
      for (const [key, value] of Object.entries({
        ok: error === undefined ? ok : undefined,
        ...{ error, output, pod, container, 'exit-code': exitCode, 'timed-out': timedOut },
      }))
        if (value !== undefined)
          at.mistake(`"${key}" is about one step; write it in the "expect" of that one`, key);
    checkNodesOf(parallel, { on, expect, spot });
    const place = spot.entries.find(({ name }) => name === 'parallel')?.key.place ?? spot.place;
    return { place, action, together: parallel, ...present({ on, when, note }), expect };
  },
);

/** Either the group says the node of all of its steps, or each of them says its own. */
function checkNodesOf(
  steps: readonly WrittenStep[],
  {
    on,
    expect,
    spot,
  }: {
    readonly on: string | undefined;
    readonly expect: readonly EndExpectation[];
    readonly spot: YamlValue;
  },
): void {
  const valueOf = (key: string) => spot.entries.find(({ name }) => name === key)?.value ?? spot;
  const nodes = new Set(steps.flatMap((step) => step.on ?? []));
  const isOfEach = on === undefined && nodes.size > 0;
  for (const [index, step] of steps.entries()) {
    const at = valueOf('parallel').items[index] ?? spot;
    if (on !== undefined && step.on !== undefined)
      at.mistake('"on" stands once, of the "parallel", or in each of its steps', 'on');
    if (isOfEach && step.on === undefined)
      at.mistake(
        `the other steps of this "parallel" say on which node they are: on: ${[...nodes].join(' or ')}`,
      );
  }
  const wanted = valueOf('expect');
  for (const [index, one] of expect.entries()) {
    const at = wanted.items[index] ?? wanted;
    if (!isOfEach && one.on !== undefined) at.mistake('its steps are on one node; leave "on" out', 'on');
    if (isOfEach && one.on === undefined)
      at.mistake(
        `its steps are on several nodes; say which one this is about: on: ${[...nodes].join(' or ')}`,
      );
    if (isOfEach && one.on !== undefined && !nodes.has(one.on))
      at.mistake(`none of its steps is on ${one.on}`, 'on');
  }
}

/** One step: a mapping with exactly one verb, and optionally `on`, `when`, `expect`, `timeout` and `note`. */
const oneStep: Shape<WrittenStep> = unionByKey(
  'a step',
  {
    ...Object.fromEntries(SINGLE_VERBS.map((verb) => [verb, stepOf(verb, COMMON)])),
    parallel: parallelShape,
  },
  OTHER_WORDS,
);
export const stepShape: Shape<WrittenStep> = {
  ...oneStep,
  read: (spot) => {
    if (isStepOfCluster(spot.kind === 'mapping' ? spot.entries : []))
      spot.mention({ kind: 'on-cluster', what: 'a step' });
    else if (!isOnSeveralNodes(spot)) mentionNode('a step', spot);
    return oneStep.read(spot);
  },
};

/** A `parallel` of which not it, but each of its steps says the node. */
function isOnSeveralNodes(spot: YamlValue): boolean {
  const entries = spot.kind === 'mapping' ? spot.entries : [];
  const steps = entries.find(({ name }) => name === 'parallel')?.value;
  return !hasNode(spot) && steps?.kind === 'list' && steps.items.some(hasNode);
}

/** Taken with kubectl, on the control plane. */
function isStepOfCluster(entries: readonly Entry[]): boolean {
  return entries.some(
    ({ name, value }) =>
      isOfCluster(name) ||
      (name === 'wait-for' &&
        value.kind === 'mapping' &&
        value.entries.some((condition) => condition.name === 'cluster')),
  );
}

function stepOf(verb: Verb, optional: typeof OF_ONE_TOGETHER | typeof COMMON): ObjectShape<WrittenStep> {
  const first = 'background' in optional ? (['background'] as const) : [];
  return object<Record<string, Action>, Partial<CommonValues>, WrittenStep>(
    { required: { [verb]: actionShape(verb) }, optional, first },
    (values, spot) => {
      const action = values[verb];
      if (action === undefined) return undefined;
      checkFit(action, { expect: values.expect ?? [], spot });
      if (values.background !== undefined && !runsOneCommand(action))
        return spot.mistake(`only a step that runs one command goes on in the background; ${verb} does not`);
      const place = spot.entries.find(({ name }) => name === verb)?.key.place ?? spot.place;
      const ofCluster = isStepOfCluster(spot.entries);
      if (ofCluster && values.on !== undefined) {
        const on = spot.entries.find(({ name }) => name === 'on')?.key ?? spot;
        return on.mistake(`${verb} is about the cluster and is taken on ${CONTROL_PLANE}; leave "on" out`);
      }
      const speaksOfCluster = values.expect?.some(({ cluster }) => cluster !== undefined) === true;
      if (values.background !== undefined && speaksOfCluster)
        return spot.mistake(
          'of a step in the background nobody knows when it has changed the cluster; expect it of a later step',
          'expect',
        );
      return {
        place,
        action,
        ...present({
          on: ofCluster ? CONTROL_PLANE : values.on,
          background: values.background,
          when: values.when,
          timeoutMs: values.timeout,
          note: values.note,
        }),
        expect: values.expect ?? [],
      };
    },
  );
}

/** The value of a verb. Later steps know what it creates. */
function actionShape(verb: Verb): Shape<Action> {
  const { shape, makes } = VERBS[verb];
  if (shape === undefined) throw new Error(`${verb} has no shape of its own`);
  const action = mapped<object, Action>(shape, (fields, spot) => {
    // the fields belong to this verb, but TypeScript cannot follow that across a union
    const read = { do: verb, ...fields } as Action;
    const name = madeBy(read);
    if (makes !== undefined && name !== undefined) {
      const at = spot.entries.find((entry) => entry.name === makes)?.value ?? spot;
      at.mention({ kind: 'made', what: makes, name });
    }
    return read;
  });
  return {
    ...action,
    read: (spot) => {
      spot.mention({ kind: 'step', verb });
      return action.read(spot);
    },
  };
}

/** Reports expectations that the step cannot have. They are mistakes in the file, not failures. */
function checkFit(
  action: Action,
  { expect, spot }: { expect: readonly Expectation[]; spot: YamlValue },
): void {
  const at = spot.entries.find(({ name }) => name === 'expect')?.value ?? spot;
  for (const expectation of expect) {
    if (expectation.pod !== undefined && specOf(action).pod === undefined) {
      at.mistake(`"pod" is the pod of the step, and ${action.do} has none; write "pods: { NAME: … }"`, 'pod');
    }
    if (expectation.container !== undefined && containerOfAction(action) === undefined) {
      const message = `"container" is the container of the step, and ${action.do} has none; write "containers: { NAME: … }"`;
      at.mistake(message, 'container');
    }
    for (const [key, value] of [
      ['error', expectation.error],
      ['output', expectation.output],
      ['exit-code', expectation.exitCode],
      ['timed-out', mayTimeOut(action) ? undefined : expectation.timedOut],
    ] as const) {
      if (value !== undefined && !runsCommands(action)) {
        at.mistake(`${action.do} runs no command that could have "${key}"; it can be ok or not`, key);
      }
    }
  }
}
