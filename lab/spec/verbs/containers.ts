import { pasteable } from '../../core/content.ts';
import { object, present } from '../object-shape.ts';
import { bool, text, timeShape, word } from '../scalar-shapes.ts';
import { about, byKind, list, mapOf, mapped, notEmpty, type Shape } from '../shape.ts';
import { argvShape, forTexts, nameShape, template, usedContainer, usedPod } from '../text-shapes.ts';
import { asWritten, verb, type VerbSpec } from './verb-spec.ts';

export interface OnContainer {
  readonly container: string;
}

export interface WithCommand extends OnContainer {
  readonly command: readonly string[];
}

const ofContainer = ({ container }: OnContainer): string => container;

const textsInStep: Shape<Readonly<Record<string, string>>> = mapped(
  mapOf(template('step'), { build: (value, key) => [key, value] as const }),
  (pairs) => Object.fromEntries(pairs),
);

const graceShape = mapped(timeShape, (ms, spot) =>
  ms % 1000 === 0 ? ms / 1000 : spot.wants('whole seconds, as crictl takes no others'),
);

const commandShape = about('a list of words; no shell reads them', argvShape);

/** The same keys with other values. */
export const mapValues = (
  texts: Readonly<Record<string, string>>,
  map: (text: string) => string,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(texts).map(([key, value]) => [key, map(value)]));

/** An action on a container that an earlier step has created, with no other arguments. */
const onContainer = (description: string): VerbSpec<OnContainer> => ({
  shape: about(
    description,
    mapped(usedContainer, (container) => ({ container })),
  ),
  recorded: ['command'],
  needsRuntime: true,
  plan: asWritten,
  describe: ofContainer,
  container: ofContainer,
});

export interface Created extends WithCommand {
  readonly pod: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: readonly Mount[];
  /** a number, or a name in /etc/passwd of the image */
  readonly user?: string;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly seccomp?: Seccomp;
}

/** The seccomp profile. The runtime reads a file of the node when it creates the container. */
export type Seccomp = 'unconfined' | 'runtime-default' | { readonly nodePath: string };

export interface Mount {
  readonly nodePath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
}

export interface Stopped extends OnContainer {
  /** between SIGTERM and SIGKILL; missing: 0 */
  readonly graceSeconds?: number;
}

const absolutePath = mapped(template('step'), (path, spot) =>
  path.startsWith('/') || path.startsWith('${') ? path : spot.wants('an absolute path'),
);

const mountShape: Shape<Mount> = object(
  {
    required: {
      node: about('a path of the node', absolutePath),
      container: about('where it is in the container', absolutePath),
    },
    optional: { 'read-only': about('default: false', bool) },
  },
  ({ node, container, 'read-only': readOnly }) => ({
    nodePath: node,
    containerPath: container,
    readOnly: readOnly ?? false,
  }),
);

const capability = mapped(text({ wanted: 'a capability such as NET_ADMIN, or ALL' }), (name, spot) =>
  /^(?!CAP_)[A-Z_]+$/.test(name) ? name : spot.wants('a capability such as NET_ADMIN, or ALL'),
);

const seccompShape: Shape<Seccomp> = byKind<Seccomp>({
  text: word(['unconfined', 'runtime-default']),
  mapping: object(
    { required: { localhost: about('a profile, by its path on the node', absolutePath) }, optional: {} },
    ({ localhost: nodePath }) => ({ nodePath }),
  ),
});

const createdShape: Shape<Created> = object(
  {
    required: {
      container: about('a name for it in this file', nameShape),
      pod: usedPod,
      command: commandShape,
    },
    optional: {
      env: about('variables of its environment', textsInStep),
      mounts: about('files and folders of the node', list(mountShape)),
      user: about('a number or a name; default: 0', template('step')),
      capabilities: about(
        "beside or without those of the runtime's default",
        notEmpty(
          object(
            {
              required: {},
              optional: {
                add: about('capabilities to add', list(capability)),
                drop: about('capabilities to drop', list(capability)),
              },
            },
            (values) => present(values),
          ),
          'leave "capabilities" out, or add or drop some',
        ),
      ),
      seccomp: about(
        "its system calls: unconfined, runtime-default, or a profile of the node; default: the runtime's choice",
        seccompShape,
      ),
    },
    otherWords: {
      image: "all containers are of the lab's own image, which has a shell and busybox",
    },
  },
  ({ container, pod, command, ...rest }) => ({ container, pod, command, ...present(rest) }),
);

const stoppedShape: Shape<Stopped> = byKind<Stopped>({
  ...forTexts(mapped(usedContainer, (container) => ({ container }))),
  mapping: object(
    {
      required: { container: usedContainer },
      optional: { grace: about('between SIGTERM and SIGKILL, in whole seconds; default: 0s', graceShape) },
      otherWords: { timeout: 'it is called grace' },
    },
    ({ container, grace: graceSeconds }) => ({ container, ...present({ graceSeconds }) }),
  ),
});

export const CONTAINER_VERBS = {
  'create-container': verb<Created>({
    shape: about('crictl create, from the image with a shell', createdShape),
    recorded: ['command'],
    needsRuntime: true,
    makes: 'container',
    plan: ({ command, env, mounts, user, seccomp, ...rest }, cell) => ({
      ...rest,
      command: command.map(cell.template),
      ...present({
        env: env && mapValues(env, cell.template),
        mounts: mounts?.map(({ nodePath, containerPath, readOnly }) => ({
          nodePath: cell.template(nodePath),
          containerPath: cell.template(containerPath),
          readOnly,
        })),
        user: user === undefined ? undefined : cell.template(user),
        seccomp: typeof seccomp === 'object' ? { nodePath: cell.template(seccomp.nodePath) } : seccomp,
      }),
    }),
    describe: ({ container, pod, command }) => `${container} in ${pod}: ${pasteable(command)}`,
    pod: ({ pod }) => pod,
    container: ofContainer,
  }),
  'start-container': onContainer('crictl start'),
  'exec-container': verb<WithCommand>({
    shape: about(
      'a command in a container; the exit code and both outputs are its own',
      object({ required: { container: usedContainer, command: commandShape }, optional: {} }, asWritten),
    ),
    recorded: ['command'],
    needsRuntime: true,
    plan: (fields, cell) => ({ ...fields, command: fields.command.map(cell.template) }),
    describe: ({ container, command }) => `${container}: ${pasteable(command)}`,
    container: ofContainer,
  }),
  'stop-container': verb<Stopped>({
    shape: about('crictl stop', stoppedShape),
    recorded: ['command'],
    needsRuntime: true,
    plan: asWritten,
    describe: ({ container, graceSeconds }) =>
      graceSeconds === undefined ? container : `${container}, with ${graceSeconds} s of grace`,
    container: ofContainer,
  }),
  'remove-container': onContainer('crictl rm'),
};
