import type { CLUSTER_VERBS } from '../spec/verbs/cluster.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';

export const CLUSTER_EFFECTS: VerbEffects<keyof typeof CLUSTER_VERBS> = {
  apply: async (context, { manifests }) => {
    // the first line makes it YAML for kubectl, which would read one JSON document alone
    const documents = manifests.map(({ content }) => context.captures.fill(content));
    await context.run(['kubectl', 'apply', '--filename', '-'], {
      stdin: `---\n${documents.join('\n---\n')}`,
    });
  },
  delete: async (context, { objects }) => {
    await context.run(['kubectl', 'delete', ...objects.map((one) => context.captures.fill(one))]);
  },
  cordon: (context, action) => withNode(context, ['cordon'], action),
  drain: (context, action) => withNode(context, ['drain'], action),
  uncordon: (context, action) => withNode(context, ['uncordon'], action),
  'stop-kubelet': (context) => endKubelet(context, 'TERM'),
  'kill-kubelet': (context) => endKubelet(context, 'KILL'),
  'start-kubelet': async (context) => {
    const { clusterNode } = context;
    if (clusterNode.kubeletRuns()) throw new NothingToActOn('the kubelet runs already');
    await waited(context, { what: 'the start of the kubelet', act: () => clusterNode.startKubelet() });
  },
};

async function withNode(
  context: StepContext,
  verb: readonly string[],
  { node, flags = [] }: { readonly node: string; readonly flags?: readonly string[] },
): Promise<void> {
  const words = flags.map((flag) => context.captures.fill(flag));
  await context.run(['kubectl', ...verb, node, ...words]);
}

async function endKubelet(context: StepContext, signal: 'TERM' | 'KILL'): Promise<void> {
  const { clusterNode } = context;
  if (!clusterNode.kubeletRuns()) throw new NothingToActOn('the kubelet does not run');
  await waited(context, {
    what: `the kubelet to end by SIG${signal}`,
    act: () => clusterNode.endKubelet(signal),
  });
}

async function waited(
  { clock, observe, stepId }: StepContext,
  { what, act }: { readonly what: string; readonly act: () => Promise<void> },
): Promise<void> {
  const startedMs = clock.now();
  await act();
  const waitedMs = clock.now() - startedMs;
  observe({ kind: 'waited', stepId, what, met: true, timedOut: false, lastSeen: 'it is so', waitedMs });
}
