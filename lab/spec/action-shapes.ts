import { addressMistake } from './address.ts';
import { conditionShape } from './condition-shape.ts';
import { wordsShape } from './words-shape.ts';
import { pluginsShape } from './node-shape.ts';
import { present } from './present.ts';
import { bool, nothing, text } from './scalar-shapes.ts';
import type { Action } from './scenario.ts';
import type { Scope } from './scope.ts';
import { object } from './object-shape.ts';
import { about, byKind, mapped, oneOrMany, type Shape } from './shape.ts';
import { forTexts, whyNoName, type TextShapes } from './text-shapes.ts';

export type Verb = Action['do'];
type ActionShapes = { readonly [V in Verb]: Shape<Extract<Action, { do: V }>> };

/** What stands after each verb. The mapped type makes a forgotten one an error here. */
export function actionShapes(scope: Scope, texts: TextShapes): ActionShapes {
  const words = wordsShape(texts);
  const { usedPod, usedContainer } = texts;
  const command = about('a list of words; no shell reads them', words);
  const plugin = about(
    'in /opt/cni/bin',
    mapped(
      text({ wanted: 'the name of a plugin', pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]*$/ }),
      (name, spot) => (scope.plugins.name(name, spot), name),
    ),
  );
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
      object(
        {
          required: { ...container, pod: usedPod, command },
          optional: {},
          otherWords: {
            image: "all containers are of the lab's own image, which has a shell and busybox",
            env: 'write command: [env, NAME=VALUE, PROGRAM]',
          },
        },
        (values, spot) => {
          scope.createContainer(
            values.container,
            spot.entries.find(({ name }) => name === 'container')?.value ?? spot,
          );
          return { do: 'create-container', ...values };
        },
      ),
    ),
    'start-container': about(
      'crictl start',
      mapped(usedContainer, (name) => ({ do: 'start-container', container: name })),
    ),
    'exec-container': about(
      'a command in a container; the exit code and both outputs are its own',
      object({ required: { container: usedContainer, command }, optional: {} }, (values) => ({
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
      mapped(oneOrMany(removedConfig(scope)), (names) => ({ do: 'remove-cni-config', names })),
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
        {
          required: {
            plugin,
            script: about('with its #! line; or { from: ./x.sh }', texts.content('matrix')),
          },
          optional: {},
        },
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
        text: execWords,
        mapping: object(
          {
            required: { argv: command },
            optional: { stdin: about('what the command reads', texts.template('step')) },
            otherWords: { command: 'it is called argv', cmd: 'it is called argv', args: 'it is called argv' },
          },
          ({ argv, stdin }) => ({ do: 'exec', argv, ...present({ stdin }) }),
        ),
      }),
    ),
    connect: about(
      'a TCP connection; what comes back is the output',
      object(
        {
          required: {
            from: about('node, or the name of a pod', fromShape(texts)),
            to: about('${web.ip}:80, [${web.ip6}]:80, 10.88.0.1:8080', addressShape(texts)),
          },
          optional: { send: about('what is sent before it listens', texts.template('step')) },
          otherWords: {
            protocol: 'all connections are TCP',
            timeout: 'it stands beside connect, in the step',
          },
        },
        ({ from, to, send }) => ({ do: 'connect', from, to, ...present({ send }) }),
      ),
    ),
    'wait-for': about(
      'waits until it is so, or the timeout',
      mapped(conditionShape(texts), (condition) => ({ do: 'wait-for', condition })),
    ),
  };
}

function fromShape({ usedPod }: TextShapes): Shape<string> {
  return {
    ...usedPod,
    wanted: 'node or the name of a pod',
    read: (spot) => (spot.text === 'node' ? 'node' : usedPod.read(spot)),
  };
}

const addressShape = (texts: TextShapes): Shape<string> =>
  mapped(texts.template('step'), (to, spot) => {
    const mistake = addressMistake(to);
    return mistake === undefined ? to : spot.mistake(mistake);
  });

const absolutePath = (texts: TextShapes): Shape<string> =>
  mapped(texts.template('matrix'), (value, spot) =>
    value.startsWith('/') || value.startsWith('${matrix.') ? value : spot.wants('an absolute path'),
  );

/** Not among the words that the file mentions, or each name would be known by itself. */
const removedConfig = (scope: Scope): Shape<string> =>
  mapped(text({ wanted: 'the name of a file in /etc/cni/net.d' }), (name, spot) => {
    if (name.includes('${')) scope.checkText(name, { spot, reach: 'matrix' });
    else scope.removeConfig(name, spot);
    return whyNoName(name) === undefined ? name : spot.mistake(whyNoName(name) ?? '');
  });
