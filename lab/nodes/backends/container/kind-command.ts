import { join } from 'node:path';

import coerce from 'semver/functions/coerce.js';
import satisfies from 'semver/functions/satisfies.js';

import { LabError } from '../../../core/lab-error.ts';
import type { NodeLimits } from '../../../core/node-state.ts';
import type { CommandResult } from '../../../core/ports.ts';
import { createLeashedExec, findProgram, runAfterExit } from '../../../host/exec.ts';
import type { EngineAddress } from './address.ts';
import type { EngineFacts, EngineProduct } from './check.ts';
import type { Engine } from './engine.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What kind does differently with each engine. */
interface KindProvider {
  /** the command that kind runs */
  readonly client: string;
  /** Lets kind use this engine, and this network for its cluster. */
  env(address: EngineAddress, network: string): Env;
  /** Sets the limits of a container that runs. It is not started again when it ends, as then its lab is gone. */
  limit(engine: Engine, containerId: string, limits: Required<NodeLimits>): Promise<unknown>;
}

const PROVIDERS: Readonly<Record<EngineProduct, KindProvider>> = {
  Docker: {
    client: 'docker',
    env: ({ url, tlsHostPath }, network) => ({
      DOCKER_HOST: url,
      ...(tlsHostPath !== undefined && { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: tlsHostPath }),
      DOCKER_CONTEXT: undefined, // it would count more than DOCKER_HOST
      KIND_EXPERIMENTAL_PROVIDER: 'docker',
      KIND_EXPERIMENTAL_DOCKER_NETWORK: network,
    }),
    limit: ({ docker }, id, { memoryBytes, processes }) =>
      docker.getContainer(id).update({
        RestartPolicy: { Name: 'no' },
        ...{ Memory: memoryBytes, MemorySwap: memoryBytes, PidsLimit: processes },
      }),
  },
  Podman: {
    client: 'podman',
    env: ({ url }, network) => ({
      CONTAINER_HOST: url,
      CONTAINER_CONNECTION: undefined, // it would count more than CONTAINER_HOST
      KIND_EXPERIMENTAL_PROVIDER: 'podman',
      KIND_EXPERIMENTAL_PODMAN_NETWORK: network,
    }),
    // Docker's way to change limits came with Podman 5.4
    limit: (engine, id, { memoryBytes, processes }) =>
      engine.post(`/v4.0.0/libpod/containers/${id}/update`, {
        memory: { limit: memoryBytes, swap: memoryBytes },
        pids: { limit: processes },
      }),
  },
};

/** The first Podman that can change the limits of a container that runs. */
const PODMAN_WITH_UPDATE = '4.3';

/** Why kind makes no clusters with an engine that runs nodes; undefined if it does. */
export function whyNoClusters(
  { url }: EngineAddress,
  { product, version }: Pick<EngineFacts, 'product' | 'version'>,
  path: string | undefined,
): string | undefined {
  if (product === 'Podman' && !satisfies(coerce(version) ?? '0.0.0', `>=${PODMAN_WITH_UPDATE}`))
    return `the lab uses kind with Podman ${PODMAN_WITH_UPDATE} or later, and Podman ${version} is at ${url}: name another engine with DOCKER_HOST, or add --backend bare`;
  const { client } = PROVIDERS[product];
  return findProgram(client, path) === undefined
    ? `kind runs the command ${client} for ${product} at ${url}, and the PATH has none: install the client of ${product}, or add --backend bare`
    : undefined;
}

export interface KindCommand {
  readonly setLimits: (containerId: string, limits: Required<NodeLimits>) => Promise<unknown>;
  /** Runs it for the cluster. Throws LabError with its last lines if it fails. */
  run(argv: readonly string[], signal: AbortSignal): Promise<void>;
  /** Removes the cluster, of these containers, and its network when the lab has been killed. */
  removeAfterExit(containers: readonly string[]): ReturnType<typeof runAfterExit>;
}

/** kind for one cluster, which is in a network of the same name. */
export function kindCommand({
  engine,
  product,
  env,
  kindHostPath,
  name,
  kubeconfigHostPath,
}: {
  readonly engine: Engine;
  readonly product: EngineProduct;
  readonly env: Env;
  readonly kindHostPath: string;
  readonly name: string;
  readonly kubeconfigHostPath: string;
}): KindCommand {
  const provider = PROVIDERS[product];
  const own = {
    ...env,
    ...provider.env(engine.address, name),
    KUBECONFIG: kubeconfigHostPath, // never that of the user
  };
  const exec = createLeashedExec({ env: own });
  const program = join(kindHostPath, 'bin/kind');
  return {
    setLimits: (id, limits) => provider.limit(engine, id, limits),
    run: async (argv, signal) => succeed(await exec([program, ...argv, '--name', name], { signal })),
    removeAfterExit: (containers) =>
      runAfterExit(['sh', '-c', REMOVE, 'sh', program, provider.client, name, ...containers], { env: own }),
  };
}

/**
 * For kind, a client, a cluster and the names of its containers. More than once, because the engine may be starting a
 * container for a client that was killed. On Podman, kind makes a volume for a container before it, and labels it with the
 * name of the container.
 */
const REMOVE = `kind=$1 client=$2 cluster=$3
shift 3
for _ in 1 2 3 4 5; do
  "$kind" delete cluster --name "$cluster"
  for container in "$@"; do "$client" volume prune --force --filter "label=$container"; done
  "$client" network rm "$cluster"
  sleep 1
done`;

const SHOWN_LINES = 10;

function succeed({ argv, exitCode, stdout, stderr }: CommandResult): void {
  if (exitCode === 0) return;
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const told = lines.filter((line) => line.startsWith('ERROR') || line.startsWith('Command Output'));
  const what = `kind ${argv.slice(1, 3).join(' ')} ended with ${exitCode ?? 'a signal'}`;
  throw new LabError([what, ...(told.length > 0 ? told : lines).slice(-SHOWN_LINES)].join('\n'));
}
