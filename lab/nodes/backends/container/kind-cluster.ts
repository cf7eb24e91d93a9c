import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Container } from 'dockerode';
import * as v from 'valibot';

import { check } from '../../../core/json.ts';
import { LabError, once } from '../../../core/lab-error.ts';
import { agentNode, openAgentLink, readyWithin, type AgentLink } from '../../agent-link.ts';
import { parseNothing } from '../../agent-protocol.ts';
import type { GroupNode } from '../../group.ts';
import type { KindCluster, KindClusterOptions } from '../../kind-cluster.ts';
import { hostLimits, type LabNode, type NodeOptions, type RunningNode } from '../../node.ts';
import { demux, listOfCluster, removeCluster, removeContainer } from './containers.ts';
import type { EngineFacts } from './check.ts';
import { type Engine, engineError } from './engine.ts';
import { kindCommand } from './kind-command.ts';
import {
  ARTIFACTS_NODE_PATH,
  clusterName,
  clusterNetwork,
  kindContainerName,
  type EngineBackend,
  type Moment,
  type Owner,
} from './spec.ts';
import type { ArtifactVolume } from './volume.ts';

export interface KindNodesOptions extends KindClusterOptions {
  readonly engine: Engine;
  readonly facts: EngineFacts;
  readonly backend: EngineBackend;
  readonly image: string;
  readonly owner: Owner;
  readonly now: Moment;
  readonly volume: ArtifactVolume;
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
  const { engine, facts, folderHostPath, volume, env } = options;
  const name = clusterName(options.name);
  const folder = join(folderHostPath, 'kind');
  const [config, kubeconfig] = [join(folder, 'config.yaml'), join(folder, 'kubeconfig')];
  const given = new AbortController();
  const signal = AbortSignal.any([options.signal, given.signal]);
  const kind = kindCommand({
    ...{ engine, product: facts.product, env, kindHostPath: options.kind.hostPath, name },
    kubeconfigHostPath: kubeconfig,
  });

  const mountpoint = await volume.folder();
  mkdirSync(folder, { recursive: true });
  const artifacts = { engineHostPath: mountpoint, nodePath: ARTIFACTS_NODE_PATH };
  writeFileSync(config, options.config({ image: options.image, artifacts }));
  // nothing else of the lab outlives a SIGKILL: kind's containers do not end with a stream, and a network never does
  const afterLab = kind.removeAfterExit(nodes.map((_, index) => kindContainerName(name, index)));
  await engine.docker.createNetwork(clusterNetwork({ ...options, name })).catch((thrown: unknown) => {
    afterLab.cancel();
    throw thrown;
  });

  const startedMs = performance.now();
  let end: { readonly failure?: Error; readonly ms: number } | undefined;
  // without --wait: the lab sees itself when the nodes are Ready; with --retain: it ends them itself
  const ended = kind
    .run(['create', 'cluster', '--config', config, '--image', options.image, '--retain'], signal)
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
    await kind.setLimits(id, hostLimits(asked.limits, facts.memoryBytes));
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
      await kind.run(['export', 'logs', join(folder, 'logs')], AbortSignal.timeout(LOGS_WITHIN_MS));
    },
    async close() {
      given.abort(new LabError('the cluster was ended'));
      await ended;
      await removeCluster(engine, name);
      afterLab.cancel();
    },
  };
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
