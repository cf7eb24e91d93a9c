import { present } from './present.ts';
import { POD_STATES, logShape, stepExpectShape } from './expect-shape.ts';
import { pluginsShape } from './node-shape.ts';
import { bool, nothing, text, word } from './scalar-shapes.ts';
import type { Action, Condition, Expectation, StepSpec } from './scenario.ts';
import type { Scope } from './scope.ts';
import {
  about,
  byKind,
  list,
  mapped,
  object,
  oneOrMany,
  unionByKey,
  type ObjectShape,
  type Shape,
} from './shape.ts';
import type { Spot } from './spot.ts';
import { forTexts, type TextShapes } from './text-shapes.ts';

type Verb = Action['do'];

/** One step: a mapping with exactly one verb, and perhaps `expect`, `timeout` and `note`. */
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
  };
  const variant = <V extends Verb>(verb: V): ObjectShape<StepSpec> => {
    const action: Shape<Action> = {
      ...actions[verb],
      read: (spot) => (scope.enterStep(verb), actions[verb].read(spot)),
    };
    return object<
      Record<string, Action>,
      { expect: readonly Expectation[]; timeout: number; note: string },
      StepSpec
    >({ required: { [verb]: action }, optional: common }, (values, spot) => {
      const action = values[verb];
      if (action === undefined) return undefined;
      checkFit(action, { expect: values.expect ?? [], spot });
      const place = spot.entries.find(({ name }) => name === verb)?.key.place ?? spot.place;
      return { place, action, ...present({ timeoutMs: values.timeout }), expect: values.expect ?? [] };
    });
  };
  const verbs = Object.keys(actions) as Verb[];
  return unionByKey('a step', Object.fromEntries(verbs.map((verb) => [verb, variant(verb)])));
}

const RUN_COMMANDS: readonly Verb[] = [
  'run-pod',
  'stop-pod',
  'remove-pod',
  'stop-listed-pods',
  'remove-listed-pods',
  'create-container',
  'start-container',
  'exec-container',
  'stop-container',
  'remove-container',
  'exec',
  'connect',
];
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
    ] as const) {
      if (value !== undefined && !RUN_COMMANDS.includes(action.do)) {
        at.mistake(`${action.do} runs no command that could have "${key}"; it can be ok or not`, key);
      }
    }
  }
}

type ActionShapes = { readonly [V in Verb]: Shape<Extract<Action, { do: V }>> };

/** What stands after each verb. The mapped type makes a forgotten one an error here. */
function actionShapes(scope: Scope, texts: TextShapes): ActionShapes {
  const words = list(texts.template('step'), { min: 1 });
  const usedPod = mapped(texts.name, (name, spot) => (scope.usePod(name, spot), name));
  const usedContainer = mapped(texts.name, (name, spot) => (scope.useContainer(name, spot), name));
  const plugin = text({ wanted: 'the name of a plugin', pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]*$/ });
  const plain = <
    V extends
      'stop-listed-pods' | 'remove-listed-pods' | 'stop-containerd' | 'kill-containerd' | 'start-containerd',
  >(
    verb: V,
    description: string,
  ) =>
    about(
      description,
      mapped(nothing, () => ({ do: verb })),
    );
  const forced = object(
    { required: { pod: usedPod }, optional: { force: about('as crictl rmp -f', bool) } },
    ({ pod, force }) => ({ do: 'remove-pod' as const, pod, force: force ?? false }),
  );
  const container = { container: about('a name for it in this file', texts.name) };
  const execWords = mapped(words, (argv) => ({ do: 'exec' as const, argv }));
  return {
    'run-pod': about(
      'crictl runp',
      mapped(texts.name, (pod, spot) => (scope.runPod(pod, spot), { do: 'run-pod', pod })),
    ),
    'stop-pod': about(
      'crictl stopp',
      mapped(usedPod, (pod) => ({ do: 'stop-pod', pod })),
    ),
    'remove-pod': about(
      'crictl rmp',
      byKind({
        ...forTexts(mapped(usedPod, (pod) => ({ do: 'remove-pod' as const, pod, force: false }))),
        mapping: forced,
      }),
    ),
    'stop-listed-pods': plain('stop-listed-pods', 'crictl stopp for every pod that CRI lists'),
    'remove-listed-pods': plain('remove-listed-pods', 'crictl rmp for every pod that CRI lists'),
    'create-container': about(
      'crictl create, from the image with a shell',
      object({ required: { ...container, pod: usedPod, command: words }, optional: {} }, (values, spot) => {
        scope.createContainer(
          values.container,
          spot.entries.find(({ name }) => name === 'container')?.value ?? spot,
        );
        return { do: 'create-container', ...values };
      }),
    ),
    'start-container': about(
      'crictl start',
      mapped(usedContainer, (name) => ({ do: 'start-container', container: name })),
    ),
    'exec-container': about(
      'crictl exec',
      object({ required: { container: usedContainer, command: words }, optional: {} }, (values) => ({
        do: 'exec-container',
        ...values,
      })),
    ),
    'stop-container': about(
      'crictl stop',
      mapped(usedContainer, (name) => ({ do: 'stop-container', container: name })),
    ),
    'remove-container': about(
      'crictl rm',
      mapped(usedContainer, (name) => ({ do: 'remove-container', container: name })),
    ),
    'write-files': about(
      'files by absolute path: a mapping becomes JSON, a text is written as it is',
      mapped(texts.files('step', 'absolute path'), (files) => ({ do: 'write-files', files })),
    ),
    'remove-files': about(
      'absolute paths',
      mapped(oneOrMany(absolutePath(texts)), (nodePaths) => ({ do: 'remove-files', nodePaths })),
    ),
    'write-cni-config': about(
      'files in /etc/cni/net.d by name',
      mapped(texts.files('step', 'name'), (files) => ({ do: 'write-cni-config', files })),
    ),
    'remove-cni-config': about(
      'names of files in /etc/cni/net.d',
      mapped(oneOrMany(texts.template('matrix')), (names) => ({ do: 'remove-cni-config', names })),
    ),
    'install-plugins': about(
      'what is in /opt/cni/bin from now on',
      mapped(pluginsShape(texts), (plugins) => ({ do: 'install-plugins', plugins })),
    ),
    'remove-plugins': about(
      'names of plugins',
      mapped(oneOrMany(plugin), (plugins) => ({ do: 'remove-plugins', plugins })),
    ),
    'fake-plugin': about(
      'puts a script in the place of a plugin',
      object(
        { required: { plugin, script: about('with its #! line', texts.template('matrix')) }, optional: {} },
        (values) => ({ do: 'fake-plugin', ...values }),
      ),
    ),
    'stop-containerd': plain('stop-containerd', 'SIGTERM, and waits for its end'),
    'kill-containerd': plain('kill-containerd', 'SIGKILL'),
    'start-containerd': plain('start-containerd', 'and waits until it answers'),
    'replace-containerd': about(
      'stops it, puts another version in its place, starts that with the state of the old one',
      mapped(texts.version, (version) => ({ do: 'replace-containerd', version })),
    ),
    exec: about(
      'any command on the node, as a list of words',
      byKind<Extract<Action, { do: 'exec' }>>({
        list: execWords,
        mapping: object(
          { required: { argv: words }, optional: { stdin: texts.template('step') } },
          ({ argv, stdin }) => ({ do: 'exec', argv, ...present({ stdin }) }),
        ),
      }),
    ),
    connect: about(
      'a TCP connection; what comes back is the output',
      object(
        {
          required: {
            from: about('node, or the name of a pod', fromShape(scope, texts)),
            to: about('${web.ip}:80, [${web.ip6}]:80, 10.88.0.1:8080', texts.template('step')),
          },
          optional: { send: texts.template('step') },
        },
        ({ from, to, send }) => ({ do: 'connect', from, to, ...present({ send }) }),
      ),
    ),
    'wait-for': about(
      'waits until it is so, or the timeout',
      mapped(conditionShape(scope, texts), (condition) => ({ do: 'wait-for', condition })),
    ),
  };
}

function conditionShape(scope: Scope, texts: TextShapes): Shape<Condition> {
  const usedPod = mapped(texts.name, (name, spot) => (scope.usePod(name, spot), name));
  return unionByKey<Condition>('wait-for', {
    'network-ready': object(
      { required: { 'network-ready': about("CRI's NetworkReady", bool) }, optional: {} },
      (values) => ({ until: 'network-ready', ready: values['network-ready'] }),
    ),
    pod: object({ required: { pod: usedPod, state: word(POD_STATES) }, optional: {} }, ({ pod, state }) => ({
      until: 'pod',
      pod,
      state,
    })),
    log: object({ required: { log: logShape(texts) }, optional: {} }, ({ log }) => ({
      until: 'log',
      line: log,
    })),
    command: object(
      {
        required: { command: about('a command that must succeed', list(texts.template('step'), { min: 1 })) },
        optional: {},
      },
      ({ command }) => ({ until: 'command', argv: command }),
    ),
  });
}

function fromShape(scope: Scope, texts: TextShapes): Shape<string> {
  const pod = mapped(texts.name, (name, spot) => (scope.usePod(name, spot), name));
  return {
    ...pod,
    wanted: 'node or the name of a pod',
    read: (spot) => (spot.text === 'node' ? 'node' : pod.read(spot)),
  };
}

const absolutePath = (texts: TextShapes): Shape<string> =>
  mapped(texts.template('matrix'), (value, spot) =>
    value.startsWith('/') || value.startsWith('${matrix.') ? value : spot.wants('an absolute path'),
  );

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

const timeoutMs: Shape<number> = mapped(
  text({ wanted: 'a time such as 30s, 500ms or 2m', pattern: /^\d+(ms|s|m)$/ }),
  (value) => {
    const unit = value.replace(/^\d+/, '');
    return Number.parseInt(value, 10) * (UNITS[unit] ?? 1);
  },
);
