import { APP_IMAGE } from '../core/components.ts';
import { noteIgnoredKeys } from './ignored-keys.ts';
import type { CONTAINER_VERBS, Created, Seccomp } from '../spec/verbs/containers.ts';
import type { Runtime } from '../core/runtime.ts';
import type { NodeFile } from '../nodes/node.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';
import { logDirectoryOf, namespaceOptionsOf, sandboxId } from './pods.ts';

export const CONTAINER_EFFECTS: VerbEffects<keyof typeof CONTAINER_VERBS> = {
  /** running a name again in a pod is the next attempt at the container, as kubelet counts attempts */
  'create-container': async (context, { container, pod, command, ...keys }) => {
    const sandbox = sandboxId(context, pod);
    const spec = context.pods.find(({ name }) => name === pod);
    const namespaceOptions = spec === undefined ? undefined : namespaceOptionsOf(spec);
    const created = `${pod}.${container}.attempts`;
    const attempt = Number(context.captures.get(created) ?? 0);
    context.captures.set(context.stepId, created, String(attempt + 1));
    const config = {
      metadata: { name: container, attempt },
      image: { image: APP_IMAGE },
      command: command.map((word) => context.captures.fill(word)),
      log_path: `${container}/${attempt}.log`,
      ...containerKeys(keys, { fill: (text) => context.captures.fill(text), namespaceOptions }),
    };
    const nodePath = `/lab/containers/${container}.json`;
    await context.node.writeFiles([
      { nodePath, content: `${JSON.stringify(config, null, 2)}\n` },
      ...(spec === undefined ? [] : newFolder(`${logDirectoryOf(spec)}/${container}`)),
    ]);
    const argv = ['crictl', 'create', sandbox, nodePath, `/lab/pods/${pod}.json`];
    const { exitCode, stdout } = await context.run(argv, { container, pod });
    if (exitCode !== 0) return;
    const id = stdout.trim();
    context.captures.set(context.stepId, `${container}.id`, id);
    await noteIgnoredKeys(context, { of: 'container', name: container, id, config });
  },
  'start-container': (context, { container }) => onContainer(context, 'start', container),
  'exec-container': async (context, { container, command }) => {
    const id = containerId(context, container);
    const words = command.map((word) => context.captures.fill(word));
    await context.run(execInContainer(context.runtime.kind, { id, words }), { container, id });
  },
  'stop-container': (context, { container, graceSeconds }) =>
    onContainer(
      context,
      'stop',
      container,
      graceSeconds === undefined ? [] : ['--timeout', String(graceSeconds)],
    ),
  'remove-container': (context, { container }) => onContainer(context, 'rm', container),
};

async function onContainer(
  context: StepContext,
  subcommand: 'start' | 'stop' | 'rm',
  container: string,
  flags: readonly string[] = [],
): Promise<void> {
  const id = containerId(context, container);
  await context.run(['crictl', subcommand, ...flags, id], { container, id });
}

/** The keys of a container in a file besides its command, in the form of ContainerConfig of CRI. */
export function containerKeys(
  {
    env,
    mounts,
    user,
    capabilities,
    seccomp,
  }: Pick<Created, 'env' | 'mounts' | 'user' | 'capabilities' | 'seccomp'>,
  { fill, namespaceOptions }: { fill: (text: string) => string; namespaceOptions: object | undefined },
): object {
  const filledUser = user === undefined ? undefined : fill(user);
  const { add, drop } = capabilities ?? {};
  const security = {
    ...(namespaceOptions === undefined ? {} : { namespace_options: namespaceOptions }),
    ...(filledUser === undefined ? {} : userOf(filledUser)),
    ...(capabilities === undefined
      ? {}
      : {
          capabilities: {
            ...(add === undefined ? {} : { add_capabilities: add }),
            ...(drop === undefined ? {} : { drop_capabilities: drop }),
          },
        }),
    ...(seccomp === undefined ? {} : { seccomp: seccompOf(seccomp, fill) }),
  };
  return {
    ...(env === undefined
      ? {}
      : { envs: Object.entries(env).map(([key, value]) => ({ key, value: fill(value) })) }),
    ...(mounts === undefined
      ? {}
      : {
          mounts: mounts.map(({ nodePath, containerPath, readOnly }) => ({
            host_path: fill(nodePath),
            container_path: fill(containerPath),
            readonly: readOnly,
          })),
        }),
    linux: Object.keys(security).length === 0 ? {} : { security_context: security },
  };
}

const SECCOMP_TYPES = { 'runtime-default': 0, unconfined: 1, localhost: 2 } as const;

const seccompOf = (seccomp: Seccomp, fill: (text: string) => string): object =>
  typeof seccomp === 'string'
    ? { profile_type: SECCOMP_TYPES[seccomp] }
    : { profile_type: SECCOMP_TYPES.localhost, localhost_ref: fill(seccomp.nodePath) };

const userOf = (user: string): object =>
  /^\d+$/.test(user) ? { run_as_user: { value: Number(user) } } : { run_as_username: user };

/** crictl would add line breaks, mix both outputs, and exit with 1 whatever the exit code of the command is. */
export const execInContainer = (
  { traits }: Runtime,
  { id, words }: { id: string; words: readonly string[] },
): readonly string[] => ['/lab/bin/agent', 'exec-container', '--socket', traits.socket, id, ...words];

function containerId(context: StepContext, container: string): string {
  const id = context.captures.get(`${container}.id`);
  if (id === undefined) throw new NothingToActOn(`container ${container} was not created`);
  return id;
}

/**
 * An empty directory, which kubelet would create for the logs of each container. It is made by writing a file and
 * removing it.
 */
const newFolder = (nodePath: string): readonly NodeFile[] => [
  { nodePath: `${nodePath}/.made`, content: '' },
  { nodePath: `${nodePath}/.made`, remove: true },
];
