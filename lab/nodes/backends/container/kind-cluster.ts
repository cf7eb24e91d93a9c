import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Container } from 'dockerode';
import * as v from 'valibot';

import { check } from '../../../core/json.ts';
import { LabError, once } from '../../../core/lab-error.ts';
import type { CommandResult } from '../../../core/ports.ts';
import { createLeashedExec, findProgram, runAfterExit } from '../../../host/exec.ts';
import { agentNode, openAgentLink, readyWithin, type AgentLink } from '../../agent-link.ts';
import { parseNothing } from '../../agent-protocol.ts';
import type { GroupNode } from '../../group.ts';
import type { KindCluster, KindClusterOptions } from '../../kind-cluster.ts';
import { hostLimits, type LabNode, type NodeOptions, type RunningNode } from '../../node.ts';
import { demux, listOfCluster, removeCluster, removeContainer } from './containers.ts';
import { type Engine, engineError } from './engine.ts';
import {
  ARTIFACTS_NODE_PATH,
  clusterName,
  clusterNetwork,
  kindContainerName,
  VOLUME,
  type EngineBackend,
  type Moment,
  type Owner,
} from './spec.ts';
import type { ArtifactVolume } from './volume.ts';

export interface KindNodesOptions extends KindClusterOptions {
  readonly engine: Engine;
  readonly backend: EngineBackend;
  readonly image: string;
  readonly owner: Owner;
  readonly now: Moment;
  readonly volume: ArtifactVolume;
  /** memory of the machine of the engine */
  readonly memoryBytes: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const READY_WITHIN_MS = 60_000;
const LOGS_WITHIN_MS = 60_000;
const EVERY_MS = 50;
const SHOWN_LINES = 10;

interface KindNode {
  readonly containerId: string;
  readonly address: string;
  readonly link: AgentLink;
  readonly node: LabNode;
}

/**
 * Starts `kind create cluster` in a network of its own. Throws LabError, and what dockerode throws. Then nothing is
 * left.
 */
export async function startKindCluster(
  nodes: readonly GroupNode[],
  options: KindNodesOptions,
): Promise<KindCluster> {
  const { engine, folderHostPath, volume } = options;
  const name = clusterName(options.name);
  const folder = join(folderHostPath, 'kind');
  const [config, kubeconfig] = [join(folder, 'config.yaml'), join(folder, 'kubeconfig')];
  const given = new AbortController();
  const signal = AbortSignal.any([options.signal, given.signal]);
  const kind = kindCommand(options, { name, kubeconfig });

  const mountpoint = await volumeFolder(engine);
  mkdirSync(folder, { recursive: true });
  const artifacts = { engineHostPath: mountpoint, nodePath: ARTIFACTS_NODE_PATH };
  writeFileSync(config, options.config({ image: options.image, artifacts }));
  // nothing else of the lab outlives a SIGKILL: kind's containers do not end with a stream, and a network never does
  const afterLab = runAfterExit(['sh', '-c', REMOVE, kind.program, name], { env: kind.env });
  await engine.docker.createNetwork(clusterNetwork({ ...options, name })).catch((thrown: unknown) => {
    afterLab.cancel();
    throw thrown;
  });

  const startedMs = performance.now();
  let end: { readonly failure?: Error; readonly ms: number } | undefined;
  // without --wait: the lab sees itself when the nodes are Ready; with --retain: it ends them itself
  const ended = kind
    .run(['create', 'cluster', '--config', config, '--image', options.image, '--retain'], signal)
    .then(succeed)
    .then(
      () => ({}),
      (thrown: unknown) => ({ failure: thrown instanceof Error ? thrown : new LabError(String(thrown)) }),
    )
    .then((how) => (end = { ...how, ms: Math.round(performance.now() - startedMs) }));

  const containerOf = (node: string) => {
    const index = nodes.findIndex((one) => one.name === node);
    return kindContainerName(name, index);
  };
  const started = new Map<string, KindNode>();

  /** Waits until kind has started a container. */
  async function appeared(container: string): Promise<string> {
    for (;;) {
      signal.throwIfAborted();
      const listed = await listOfCluster(engine, name);
      const found = listed.find(({ Names, State }) => Names.includes(`/${container}`) && State === 'running');
      if (found !== undefined) return found.Id;
      if (end !== undefined) throw end.failure ?? new LabError(`kind has started no container ${container}`);
      await sleep(EVERY_MS);
    }
  }

  async function start(asked: NodeOptions): Promise<RunningNode> {
    const beganMs = performance.now();
    const id = await appeared(containerOf(asked.name));
    const container = engine.docker.getContainer(id);
    const { memoryBytes, processes } = hostLimits(asked.limits, options.memoryBytes);
    // when its lab is gone, the node ends and stays so
    await container.update({
      RestartPolicy: { Name: 'no' },
      ...{ Memory: memoryBytes, MemorySwap: memoryBytes, PidsLimit: processes },
    });
    const link = await connectTo(engine, { id, name: asked.name, signal });
    const node = agentNode(asked.name, link, (artifact) => volume.provide(artifact));
    const startMs = Math.round(performance.now() - beganMs);
    started.set(asked.name, { containerId: id, address: await addressIn(engine, { id, name }), link, node });
    await volume.learn(node);
    await volume.ensure(asked.artifacts);
    return {
      ...node,
      startMs,
      end: once(async () => {
        link.close();
        await removeContainer(engine, id);
      }),
      keep: () => Promise.reject(new LabError('a node of a kind cluster cannot be kept')),
    };
  }

  return {
    start: (asked) =>
      start(asked).catch((thrown: unknown) =>
        Promise.reject(engineError(`node ${asked.name} did not start`, { address: engine.address, thrown })),
      ),
    addressOf: (node) => started.get(node)?.address ?? '',
    async create() {
      const hosts = nodes.map(({ name: node, alias }) => ({
        ...{ alias, container: containerOf(node), address: started.get(node)?.address ?? '' },
      }));
      await Promise.all([...started.values()].map(({ node }) => addHosts(node, hosts)));
      for (const { link } of started.values()) await link.request({ op: 'announce' }, parseNothing);
      const { failure, ms } = await ended;
      if (failure !== undefined) throw failure;
      return ms;
    },
    async exportLogs() {
      succeed(await kind.run(['export', 'logs', join(folder, 'logs')], AbortSignal.timeout(LOGS_WITHIN_MS)));
    },
    async close() {
      given.abort(new LabError('the cluster was ended'));
      await ended;
      await removeCluster(engine, name);
      afterLab.cancel();
    },
  };
}

/** Where the artifacts are on the machine of the engine. The volume is made if it is not there. */
async function volumeFolder({ docker }: Engine): Promise<string> {
  await docker.createVolume({ Name: VOLUME }); // nothing happens to one that is there
  return (await docker.getVolume(VOLUME).inspect()).Mountpoint;
}

/** Runs kind for one cluster, with the engine of the lab. Throws LabError if something that kind needs is missing. */
function kindCommand(
  { kind, env, engine }: KindNodesOptions,
  { name, kubeconfig }: { readonly name: string; readonly kubeconfig: string },
): KindCommand {
  if (findProgram('docker', env['PATH']) === undefined)
    throw new LabError('kind runs the command docker, and the PATH has none; install the client of Docker');
  const { url, tlsHostPath } = engine.address;
  const own = {
    ...env,
    DOCKER_HOST: url,
    ...(tlsHostPath !== undefined && { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: tlsHostPath }),
    DOCKER_CONTEXT: undefined, // it would count more than DOCKER_HOST
    KUBECONFIG: kubeconfig, // never that of the user
    KIND_EXPERIMENTAL_PROVIDER: 'docker',
    KIND_EXPERIMENTAL_DOCKER_NETWORK: name,
  };
  const exec = createLeashedExec({ env: own });
  const program = join(kind.hostPath, 'bin/kind');
  return {
    program,
    env: own,
    run: (argv, signal) => exec([program, ...argv, '--name', name], { signal }),
  };
}

interface KindCommand {
  readonly program: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  run(argv: readonly string[], signal: AbortSignal): Promise<CommandResult>;
}

/**
 * Removes a cluster and its network. More than once, because the engine may be starting a container for a client that was
 * killed.
 */
const REMOVE =
  'for _ in 1 2 3 4 5; do "$0" delete cluster --name "$1"; docker network rm "$1"; sleep 1; done';

function succeed({ argv, exitCode, stdout, stderr }: CommandResult): void {
  if (exitCode === 0) return;
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const told = lines.filter((line) => line.startsWith('ERROR') || line.startsWith('Command Output'));
  const what = `kind ${argv.slice(1, 3).join(' ')} ended with ${exitCode ?? 'a signal'}`;
  throw new LabError([what, ...(told.length > 0 ? told : lines).slice(-SHOWN_LINES)].join('\n'));
}

/** The agent of a node. Its stream is a command in the container, whose end is the end of the node. */
async function connectTo(
  { docker }: Engine,
  { id, name, signal }: { readonly id: string; readonly name: string; readonly signal: AbortSignal },
): Promise<AgentLink> {
  await nodeIsMade(docker.getContainer(id), { name, signal });
  const exec = await docker.getContainer(id).exec({
    Cmd: ['/lab/bin/agent', 'link'],
    ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
  });
  const stream = await exec.start({ hijack: true, stdin: true });
  const { stdout, stderr } = demux(stream);
  let said = '';
  stderr.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-4000)));
  const link = openAgentLink(name, {
    input: stream,
    output: stdout,
    whyEnded: () => Promise.resolve(said.trim() === '' ? 'its container ended' : said.trim()),
  });
  await readyWithin(link, { name, withinMs: READY_WITHIN_MS, signal });
  return link;
}

/** What the agent prints when the lab may connect: images/node-tools/cmd/agent/link.go. */
const WAITING = 'waiting for the lab';

/** While the agent makes the node, an engine cannot start a command in the container. */
async function nodeIsMade(
  container: Container,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  const log = await container.logs({ follow: true, stdout: true, stderr: true });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READY_WITHIN_MS)]);
  let text = '';
  try {
    for await (const chunk of addAbortSignal(limit, Readable.from(log))) {
      text += String(chunk);
      if (text.includes(WAITING)) return;
    }
  } catch (thrown) {
    signal.throwIfAborted();
    if (!limit.aborted) throw thrown;
  }
  const said = text.trim().split('\n').slice(-SHOWN_LINES).join('\n');
  throw new LabError(`${name} was not made${said === '' ? '' : `: ${said}`}`);
}

const NETWORKS = v.object({
  NetworkSettings: v.object({ Networks: v.record(v.string(), v.object({ IPAddress: v.string() })) }),
});

async function addressIn(
  { docker }: Engine,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<string> {
  const read = check(NETWORKS, await docker.getContainer(id).inspect());
  const address = read.ok ? read.value.NetworkSettings.Networks[name]?.IPAddress : undefined;
  if (!address) throw new LabError(`the container engine gave ${name} no address`);
  return address;
}

/** kubeadm finds the control plane by the name of its container, and steps find nodes by their names. */
async function addHosts(
  node: LabNode,
  hosts: readonly { readonly alias: string; readonly container: string; readonly address: string }[],
): Promise<void> {
  const nodePath = '/etc/hosts';
  const lines = hosts.map(({ alias, container, address }) => `${address} ${alias} ${container}\n`).join('');
  await node.writeFiles([{ nodePath, content: (await node.readFile(nodePath)) + lines }]);
}
