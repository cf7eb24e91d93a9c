import { pasteable } from '../../core/content.ts';
import { object } from '../object-shape.ts';
import { about, mapped, type Shape } from '../shape.ts';
import { nameShape, usedContainer, usedPod, argvShape } from '../text-shapes.ts';
import { asWritten, verb, type VerbSpec } from './verb-spec.ts';

export interface OnContainer {
  readonly container: string;
}

export interface WithCommand extends OnContainer {
  readonly command: readonly string[];
}

const ofContainer = ({ container }: OnContainer): string => container;

const commandShape = about('a list of words; no shell reads them', argvShape);

/** A container that an earlier step has created, and nothing else. */
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

const createdShape: Shape<WithCommand & { readonly pod: string }> = object(
  {
    required: {
      container: about('a name for it in this file', nameShape),
      pod: usedPod,
      command: commandShape,
    },
    optional: {},
    otherWords: {
      image: "all containers are of the lab's own image, which has a shell and busybox",
      env: 'write command: [env, NAME=VALUE, PROGRAM]',
    },
  },
  (values) => values,
);

export const CONTAINER_VERBS = {
  'create-container': verb<WithCommand & { readonly pod: string }>({
    shape: about('crictl create, from the image with a shell', createdShape),
    recorded: ['command'],
    needsRuntime: true,
    makes: 'container',
    plan: (fields, cell) => ({ ...fields, command: fields.command.map(cell.template) }),
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
  'stop-container': onContainer('crictl stop'),
  'remove-container': onContainer('crictl rm'),
};
