import { actionShapes, type Verb } from './action-shapes.ts';
import { stepExpectShape } from './expect-shape.ts';
import { present } from './present.ts';
import { text } from './scalar-shapes.ts';
import { CRI_VERBS, type Action, type Expectation, type StepSpec, type When } from './scenario.ts';
import type { Scope } from './scope.ts';
import { object, unionByKey, type ObjectShape, type OtherWords } from './object-shape.ts';
import { about, mapped, type Shape } from './shape.ts';
import type { Spot } from './spot.ts';
import type { TextShapes } from './text-shapes.ts';
import { parseTime } from './time.ts';
import { whenShape } from './when-shape.ts';

/** One step: a mapping with exactly one verb, and perhaps `when`, `expect`, `timeout` and `note`. */
export function stepShape(scope: Scope, texts: TextShapes): Shape<StepSpec> {
  const actions = actionShapes(scope, texts);
  const expect = about(
    'what must be so after this step; one branch, or several with "when"; default: ok: true',
    stepExpectShape(scope, texts),
  );
  const common = {
    expect,
    timeout: about('of the commands of this step: 30s, 500ms, 2m', timeoutMs),
    note: about('for readers', text()),
    when: about('the step is for these versions or values only; others do without it', whenShape(scope)),
  };
  const variant = (verb: string, shape: Shape<Action>): ObjectShape<StepSpec> => {
    const required: Record<string, Shape<Action>> = {
      [verb]: { ...shape, read: (spot) => (scope.enterStep(verb), shape.read(spot)) },
    };
    return object<Record<string, Action>, CommonValues, StepSpec>(
      { required, optional: common },
      (values, spot) => {
        const action = values[verb];
        if (action === undefined) return undefined;
        checkFit(action, { expect: values.expect ?? [], spot });
        const place = spot.entries.find(({ name }) => name === verb)?.key.place ?? spot.place;
        return {
          place,
          action,
          ...present({ when: values.when, timeoutMs: values.timeout }),
          expect: values.expect ?? [],
        };
      },
    );
  };
  const verbs = Object.entries<Shape<Action>>(actions);
  return unionByKey(
    'a step',
    Object.fromEntries(verbs.map(([verb, shape]) => [verb, variant(verb, shape)])),
    OTHER_WORDS,
  );
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
  'restart-containerd': 'use stop-containerd, then start-containerd',
  'upgrade-containerd': 'use replace-containerd',
  crictl: 'use exec: [crictl, pods], or a step of its own such as run-pod',
};

interface CommonValues {
  readonly expect: readonly Expectation[];
  readonly timeout: number;
  readonly note: string;
  readonly when: When;
}

const RUN_COMMANDS: readonly Verb[] = [...CRI_VERBS, 'exec', 'connect'];
const HAVE_POD: readonly Verb[] = ['run-pod', 'stop-pod', 'remove-pod', 'create-container'];

/** Expectations that the step cannot answer are mistakes, not failures. */
function checkFit(action: Action, { expect, spot }: { expect: readonly Expectation[]; spot: Spot }): void {
  const at = spot.entries.find(({ name }) => name === 'expect')?.value ?? spot;
  for (const expectation of expect) {
    if (expectation.pod !== undefined && !HAVE_POD.includes(action.do)) {
      at.mistake(`"pod" is the pod of the step, and ${action.do} has none; write "pods: { NAME: … }"`, 'pod');
    }
    for (const [key, value] of [
      ['error', expectation.error],
      ['output', expectation.output],
      ['exit-code', expectation.exitCode],
      ['timed-out', action.do === 'wait-for' ? undefined : expectation.timedOut],
    ] as const) {
      if (value !== undefined && !RUN_COMMANDS.includes(action.do)) {
        at.mistake(`${action.do} runs no command that could have "${key}"; it can be ok or not`, key);
      }
    }
  }
}

const timeoutMs: Shape<number> = mapped(
  text({ wanted: 'a time such as 30s, 500ms, 2m or 1h', pattern: /^\d+(ms|s|m|h)$/ }),
  (value, spot) => {
    const time = parseTime(value);
    return time.ok ? time.value : spot.mistake(`${time.error}; got "${value}"`);
  },
);
