import type { CNI_CALL_VERBS } from '../spec/verbs/cni.ts';
import { COULD_NOT_TRY } from './commands.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';
import { identityOf, sandboxId } from './pods.ts';

export const CNI_CALL_EFFECTS: VerbEffects<keyof typeof CNI_CALL_VERBS> = {
  cni: async (context, call) => {
    const { verb, plugin, network, config, pod, netns, containerId, ifname, args, capabilities } = call;
    const fill = (text: string) => context.captures.fill(text);
    const flags: Readonly<Record<string, string | undefined>> = {
      plugin,
      network,
      netns,
      'container-id': containerId,
      ...(pod === undefined ? {} : ofSandbox(context, pod)),
      ifname,
      ...(args === undefined ? {} : { args: cniArgs(args) }),
      capabilities: capabilities?.content.replaceAll(/\n */g, ''),
    };
    const argv = [
      ...['/lab/bin/agent', 'cni', verb],
      ...Object.entries(flags).flatMap(([name, value]) =>
        value === undefined ? [] : [`--${name}`, fill(value)],
      ),
      ...(config === undefined ? [] : ['--config', '-']),
    ];
    const { exitCode, stderr } = await context.run(
      argv,
      config === undefined ? {} : { stdin: fill(config.content) },
    );
    if (exitCode === COULD_NOT_TRY && stderr.startsWith(NOT_TRIED))
      throw new NothingToActOn(stderr.slice(NOT_TRIED.length).trim());
  },
};

/** The prefix of errors from `agent cni` itself. It distinguishes them from a plugin that ends with the same code. */
const NOT_TRIED = 'agent cni: ';

/** The arguments with which containerd calls plugins for a sandbox. */
function ofSandbox(context: StepContext, name: string): Readonly<Record<string, string>> {
  const id = sandboxId(context, name);
  const pod = context.pods.find((spec) => spec.name === name);
  if (pod === undefined) throw new Error(`the plan has no pod ${name}`);
  const { namespace, uid } = identityOf(pod);
  return {
    'container-id': id,
    netns: context.captures.fill(`\${${name}.netns}`),
    args: cniArgs({
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: namespace,
      K8S_POD_NAME: name,
      K8S_POD_INFRA_CONTAINER_ID: id,
      K8S_POD_UID: uid,
    }),
  };
}

const cniArgs = (args: Readonly<Record<string, string>>): string =>
  Object.entries(args)
    .map(([key, value]) => `${key}=${value}`)
    .join(';');
