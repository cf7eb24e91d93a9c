import type { PodSpec } from '../spec/scenario.ts';
import { sandboxOf } from './captures.ts';
import { noteIgnoredKeys } from './ignored-keys.ts';
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

/**
 * `crictl runp`, as often as the file specifies. Running a pod again is its next attempt, as kubelet counts attempts.
 */
async function runPod(context: StepContext, name: string): Promise<void> {
  const pod = context.pods.find((spec) => spec.name === name);
  if (pod === undefined) throw new Error(`the plan has no pod ${name}`);
  const attempt = Number(context.captures.get(`${name}.attempts`) ?? 0);
  context.captures.set(context.stepId, `${name}.attempts`, String(attempt + 1));
  const nodePath = `/lab/pods/${name}.json`;
  const config = podConfig(pod, attempt);
  await context.node.writeFiles([{ nodePath, content: `${JSON.stringify(config, null, 2)}\n` }]);
  const handler = pod.runtimeHandler === undefined ? [] : ['--runtime', pod.runtimeHandler];
  const { exitCode, stdout } = await context.run(['crictl', 'runp', ...handler, nodePath], { pod: name });
  if (exitCode !== 0) return;
  const id = stdout.trim();
  context.captures.set(context.stepId, `${name}.id`, id);
  await noteIgnoredKeys(context, { of: 'pod', name, id, config });
}

/**
 * One command for each sandbox that CRI lists, whoever created it. If there are none, nothing is done, and that is not
 * an error.
 */
async function forListedPods(context: StepContext, verb: 'stopp' | 'rmp'): Promise<void> {
  const blind = context.before.unseen.find(({ kind }) => kind === 'sandbox');
  if (blind !== undefined) throw new NothingToActOn(`which pods there are is not known: ${blind.why}`);
  for (const item of oldestFirst(context.before.items)) {
    if (item.kind === 'sandbox') await context.run(['crictl', verb, item.name], { id: item.name });
  }
}

/** The CRI id of a pod: from the output of `crictl runp` or, if that failed, from the sandbox that it left. */
export function sandboxId(context: StepContext, pod: string): string {
  const id = context.captures.get(`${pod}.id`) ?? sandboxOf(context.before, pod)?.name;
  if (id === undefined) throw new NothingToActOn(`no sandbox of pod ${pod} was ever listed`);
  return id;
}

/** The fields that identify a pod to a runtime, and through it to plugins. */
export const identityOf = ({ name, namespace = 'default', uid = `${name}-uid` }: PodSpec) => ({
  name,
  namespace,
  uid,
});
const PROTOCOLS = { tcp: 0, udp: 1, sctp: 2 } as const;
const NAMESPACE_MODES = { pod: 0, container: 1, node: 2 } as const;
/**
 * User 0 of a pod with a user namespace is this user on the node. As with kubelet, it is the first one that the node
 * does not use itself.
 */
const FIRST_USER_OF_PODS = 65_536;

/**
 * The sandbox config that kubelet would send, in the form for crictl. A pod in the network of the node has no hostname:
 * it has that of the node, and containerd refuses to set another one.
 * https://github.com/kubernetes/kubernetes/blob/v1.24.0/pkg/kubelet/kuberuntime/kuberuntime_sandbox.go
 * (generatePodSandboxConfig)
 */
export function podConfig(pod: PodSpec, attempt: number): object {
  const hostname = pod.hostname ?? (pod.hostNetwork ? undefined : pod.name);
  const namespaceOptions = namespaceOptionsOf(pod);
  return {
    metadata: { ...identityOf(pod), attempt },
    ...(hostname === undefined ? {} : { hostname }),
    log_directory: logDirectoryOf(pod),
    ...(pod.dns === undefined ? {} : { dns_config: pod.dns }),
    labels: pod.labels,
    annotations: pod.annotations,
    port_mappings: pod.hostPorts.map(({ hostPort, containerPort, protocol, hostIp }) => ({
      protocol: PROTOCOLS[protocol],
      container_port: containerPort,
      host_port: hostPort,
      ...(hostIp === undefined ? {} : { host_ip: hostIp }),
    })),
    linux: {
      ...(namespaceOptions === undefined
        ? {}
        : { security_context: { namespace_options: namespaceOptions } }),
      ...(pod.sysctls === undefined ? {} : { sysctls: pod.sysctls }),
    },
  };
}

/** The directory on the node with the logs of the containers of a pod. */
export const logDirectoryOf = (pod: PodSpec): string => {
  const { name, namespace, uid } = identityOf(pod);
  return `/var/log/pods/${namespace}_${name}_${uid}`;
};

/**
 * The namespace options that kubelet would send for a pod, for its sandbox and for each of its containers. Undefined:
 * the defaults of CRI.
 */
export function namespaceOptionsOf({ hostNetwork, namespaces = {} }: PodSpec): object | undefined {
  const { pid, ipc, user } = namespaces;
  const ids = [{ host_id: FIRST_USER_OF_PODS, container_id: 0, length: 65_536 }];
  const options = {
    ...(hostNetwork ? { network: NAMESPACE_MODES.node } : {}),
    ...(pid === undefined ? {} : { pid: NAMESPACE_MODES[pid] }),
    ...(ipc === undefined ? {} : { ipc: NAMESPACE_MODES[ipc] }),
    ...(user === undefined
      ? {}
      : {
          userns_options: {
            mode: NAMESPACE_MODES[user],
            ...(user === 'pod' ? { uids: ids, gids: ids } : {}),
          },
        }),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

/** Sandboxes by creation time, then by id. CRI gives the time in nanoseconds, but does not sort its list by it. */
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
