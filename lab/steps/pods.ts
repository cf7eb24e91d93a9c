import type { PodSpec } from '../spec/scenario.ts';
import { sandboxOf } from './captures.ts';
import type { POD_VERBS } from '../spec/verbs/pods.ts';
import { type StepContext, type VerbEffects, NothingToActOn } from './context.ts';
import type { StateItem } from '../core/node-state.ts';

export const POD_EFFECTS: VerbEffects<keyof typeof POD_VERBS> = {
  'run-pod': (context, { pod }) => runPod(context, pod),
  'stop-pod': async (context, { pod }) => {
    const id = sandboxId(context, pod);
    await context.run(['crictl', 'stopp', id], { pod, id });
  },
  'remove-pod': async (context, { pod, force }) => {
    const id = sandboxId(context, pod);
    await context.run(['crictl', 'rmp', ...(force ? ['-f'] : []), id], { pod, id });
  },
  'stop-listed-pods': (context) => forListedPods(context, 'stopp'),
  'remove-listed-pods': (context) => forListedPods(context, 'rmp'),
};

/** `crictl runp`, as often as a file says; each further run of a pod is its next attempt, as kubelet counts them. */
async function runPod(context: StepContext, name: string): Promise<void> {
  const pod = context.pods.find((spec) => spec.name === name);
  if (pod === undefined) throw new Error(`the plan has no pod ${name}`);
  const attempt = Number(context.captures.get(`${name}.attempts`) ?? 0);
  context.captures.set(context.stepId, `${name}.attempts`, String(attempt + 1));
  const nodePath = `/lab/pods/${name}.json`;
  await context.node.writeFiles([
    { nodePath, content: `${JSON.stringify(podConfig(pod, attempt), null, 2)}\n` },
  ]);
  const { exitCode, stdout } = await context.run(['crictl', 'runp', nodePath], { pod: name });
  if (exitCode === 0) context.captures.set(context.stepId, `${name}.id`, stdout.trim());
}

/** One command for each sandbox that CRI lists, whoever made it; none is nothing to do, and that is fine. */
async function forListedPods(context: StepContext, verb: 'stopp' | 'rmp'): Promise<void> {
  const blind = context.before.unseen.find(({ kind }) => kind === 'sandbox');
  if (blind !== undefined) throw new NothingToActOn(`which pods there are is not known: ${blind.why}`);
  for (const item of oldestFirst(context.before.items)) {
    if (item.kind === 'sandbox') await context.run(['crictl', verb, item.name], { id: item.name });
  }
}

/** CRI's id of a pod: from its `crictl runp`, or, where that failed, from the sandbox that it left. */
export function sandboxId(context: StepContext, pod: string): string {
  const id = context.captures.get(`${pod}.id`) ?? sandboxOf(context.before, pod)?.name;
  if (id === undefined) throw new NothingToActOn(`no sandbox of pod ${pod} was ever listed`);
  return id;
}

/**
 * The sandbox config that kubelet would send, as crictl takes it. A pod on the node's network has no hostname: it has the
 * node's, and containerd refuses to set another one there.
 * https://github.com/kubernetes/kubernetes/blob/v1.24.0/pkg/kubelet/kuberuntime/kuberuntime_sandbox.go (generatePodSandboxConfig)
 */
export function podConfig(pod: PodSpec, attempt: number): object {
  return {
    metadata: { name: pod.name, namespace: 'default', uid: `${pod.name}-uid`, attempt },
    ...(pod.hostNetwork ? {} : { hostname: pod.name }),
    log_directory: `/var/log/pods/default_${pod.name}_${pod.name}-uid`,
    labels: pod.labels,
    annotations: pod.annotations,
    port_mappings: pod.hostPorts.map(({ hostPort, containerPort, protocol }) => ({
      protocol: protocol === 'tcp' ? 0 : 1,
      container_port: containerPort,
      host_port: hostPort,
    })),
    linux: pod.hostNetwork ? { security_context: { namespace_options: { network: 2 } } } : {},
  };
}

/** Sandboxes by the time of their creation, which CRI gives in nanoseconds and its list does not go by; then by their id. */
export function oldestFirst(items: readonly StateItem[]): readonly StateItem[] {
  return items
    .map((item) => ({ item, createdAt: BigInt(item.detail?.['createdAt'] ?? 0) }))
    .sort((a, b) => compare(a.createdAt, b.createdAt) || compare(a.item.name, b.item.name))
    .map(({ item }) => item);
}

function compare<T extends bigint | string>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
