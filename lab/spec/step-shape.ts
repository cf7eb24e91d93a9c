import { stepExpectShape } from './expect-shape.ts';
import { present, object, unionByKey, type ObjectShape, type OtherWords } from './object-shape.ts';
import { text, timeShape, whenShape } from './scalar-shapes.ts';
import type { Expectation, StepSpec, When } from './scenario.ts';
import { mentioning } from './mention.ts';
import { about, mapped, type Shape } from './shape.ts';
import type { YamlValue } from './yaml-value.ts';
import {
  VERBS,
  isVerb,
  containerOfAction,
  madeBy,
  mayTimeOut,
  runsOneCommand,
  runsCommands,
  specOf,
  type Action,
  type Verb,
} from './verbs/verbs.ts';
import { aboutOneNode, nameShape } from './text-shapes.ts';

const COMMON = {
  expect: about(
    'what must be so after this step; one branch, or several with "when"; default: ok: true',
    stepExpectShape,
  ),
  timeout: about('of the commands of this step: 30s, 500ms, 2m', timeShape),
  note: about('for readers; a report shows it where the step is wrong', text()),
  on: about('the node, where there are several', nameShape),
  background: about(
    'a name under which it goes on while later steps are taken, until wait-for: { background: NAME } or kill: NAME',
    mentioning(nameShape, (name) => ({ kind: 'background', name })),
  ),
  when: about('the step is for these versions or values only; others do without it', whenShape),
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

/** One step: a mapping with exactly one verb, and perhaps `on`, `when`, `expect`, `timeout` and `note`. */
export const stepShape: Shape<StepSpec> = aboutOneNode(
  'a step',
  unionByKey(
    'a step',
    Object.fromEntries(
      Object.keys(VERBS)
        .filter(isVerb)
        .map((verb) => [verb, stepOf(verb)]),
    ),
    OTHER_WORDS,
  ),
);

function stepOf(verb: Verb): ObjectShape<StepSpec> {
  return object<Record<string, Action>, CommonValues, StepSpec>(
    { required: { [verb]: actionShape(verb) }, optional: COMMON, first: ['background'] },
    (values, spot) => {
      const action = values[verb];
      if (action === undefined) return undefined;
      checkFit(action, { expect: values.expect ?? [], spot });
      if (values.background !== undefined && !runsOneCommand(action))
        return spot.mistake(`only a step that runs one command goes on in the background; ${verb} does not`);
      const place = spot.entries.find(({ name }) => name === verb)?.key.place ?? spot.place;
      return {
        place,
        action,
        ...present({
          on: values.on,
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

/** What stands after a verb; what it makes is known to the steps after it. */
function actionShape(verb: Verb): Shape<Action> {
  const { shape, makes } = VERBS[verb];
  const action = mapped<object, Action>(shape, (fields, spot) => {
    // the fields are those of this very verb; TypeScript cannot follow that across a union
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

/** Expectations that the step cannot answer are mistakes, not failures. */
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
