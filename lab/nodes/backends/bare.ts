import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import type { Artifact } from '../../artifacts/artifact.ts';
import { netfilterMissing } from '../../artifacts/own/netfilter.ts';
import { LabError, messageOf, once } from '../../core/lab-error.ts';
import { beginAhead, type NodeBeginning } from '../ahead.ts';
import { openAgentLink, agentNode } from '../agent-link.ts';
import { parseNothing } from '../agent-protocol.ts';
import { memberNamed, membersOf, type Member } from '../group.ts';
import { hostLimits, type Backend, type RunningNode, type Terminal, type BackendCheck } from '../node.ts';
import { watchEnd, runOnTerminal, startSegment } from './launcher.ts';
import { endNode, nodesOf, recordOf, sweepRecords, type NodeRecord } from './node-records.ts';

export interface BareBackendOptions {
  /** the artifact cache; every node sees it read-only at /lab/artifacts */
  readonly artifactsHostPath: string;
  /** where the records of nodes are; the same for all labs of a user */
  readonly stateHostPath: string;
}

const ARTIFACTS_NODE_PATH = '/lab/artifacts';
const END_WITHIN_MS = 15_000;

/** Nodes made of Linux namespaces on this host. images/node-tools/cmd/agent creates them. */
export function bareBackend(options: BareBackendOptions): Backend {
  const { stateHostPath } = options;
  return {
    name: 'bare',
    jobsPerCore: 3, // 47 runs on two cores: 25.6 s with two at a time, 16.6 s with four, 15.3 s with eight
    inotifyPerClusterNode: 14,
    check: async () => checkBare(process.platform),
    async prepare({ own, first, notice }) {
      const [nodeTools, ...laidOver] = await Promise.all([
        own('node-tools'),
        ...netfilterMissing().map((name) =>
          name === 'nftables' ? ifAvailable(own(name), notice) : own(name),
        ),
      ]);
      const layers = laidOver.flat();
      const begin = (node: NodeBeginning) => startBareNode(options, { ...node, nodeTools, layers });
      const ahead = beginAhead(first, begin);
      return {
        artifacts: [nodeTools, ...layers],
        seesCache: true,
        start: (node) => ahead.take(node),
        async group(nodes) {
          const members = membersOf(nodes);
          const segment = await startSegment(nodeTools, nodes[0]?.name ?? '', ['--unshare']);
          return {
            start: (node) => {
              const inGroup = { holderPid: segment.pid, member: memberNamed(members, node.name) };
              return startBareNode(options, { ...node, nodeTools, layers, inGroup });
            },
            close: () => segment.close(),
          };
        },
        end: () => ahead.end(),
      };
    },
    sweep: () => sweepRecords(stateHostPath),
    nodes: () => nodesOf(stateHostPath),
    async down(name) {
      await endNode(stateHostPath, await recordOf(stateHostPath, name));
    },
    async enter(name, argv, terminal) {
      return enterBareNode(await recordOf(stateHostPath, name), argv, terminal);
    },
  };
}

/** Few plugins use nft, so nodes are available even if the host does not have it and it cannot be provided. */
const ifAvailable = (
  artifact: Promise<Artifact>,
  notice: (message: string) => void,
): Promise<readonly Artifact[]> =>
  artifact.then(
    (one) => [one],
    (thrown: unknown) => {
      if (!(thrown instanceof LabError)) throw thrown;
      notice(`nodes have no nft, and plugins that run it fail: ${messageOf(thrown)}`);
      return [];
    },
  );

export interface BareNodeOptions extends NodeBeginning {
  /** contains the agent, which creates the node and is its first process */
  readonly nodeTools: Artifact;
  /** trees that are mounted over the programs of the host: iptables and nft, if the host does not have them */
  readonly layers: readonly Artifact[];
  /** its place in a group, and the process that holds the network of the group */
  readonly inGroup?: { readonly holderPid: number; readonly member: Member };
}

export async function startBareNode(
  { artifactsHostPath, stateHostPath }: BareBackendOptions,
  { name, layers, nodeTools, limits, systemCalls, inGroup }: BareNodeOptions,
): Promise<RunningNode> {
  const startedMs = performance.now();
  // started immediately, so that the first node is already starting when its maker is ready
  for (const folder of [stateHostPath, artifactsHostPath]) mkdirSync(folder, { recursive: true });
  const { memoryBytes, processes, tmpfsBytes } = hostLimits(limits);
  const argv = [
    ...['node', '--name', name, '--artifacts', artifactsHostPath, '--state-dir', stateHostPath],
    ...['--memory-bytes', String(memoryBytes), '--processes', String(processes)],
    ...['--tmpfs-bytes', String(tmpfsBytes)],
    ...(systemCalls === 'unfiltered' ? ['--unfiltered'] : []),
    ...(inGroup === undefined
      ? []
      : ['--segment', String(inGroup.holderPid), '--member', JSON.stringify(inGroup.member)]),
  ];
  // In a separate session, so that Ctrl-C only reaches the lab. The lab then ends its nodes in order.
  const launcher = spawn(
    join(nodeTools.hostPath, 'bin/agent'),
    [...argv, ...layers.flatMap(({ hostPath }) => ['--layer', hostPath])],
    { stdio: 'pipe', detached: true, env: {}, cwd: '/' },
  );
  const end = watchEnd(launcher);
  const link = openAgentLink(name, {
    input: launcher.stdin,
    output: launcher.stdout,
    whyEnded: () => end.why,
  });
  await link.ready;
  const readyMs = performance.now();

  const provide = async (artifact: Artifact) =>
    join(ARTIFACTS_NODE_PATH, relative(artifactsHostPath, artifact.hostPath));
  return {
    ...agentNode(name, link, provide),
    startMs: Math.round(readyMs - startedMs),
    end: once(async () => {
      link.close();
      // the node was kept, so the end of its input does not end it
      if (launcher.stdout.destroyed) launcher.kill('SIGTERM');
      await end.within(END_WITHIN_MS, name);
    }),
    async keep() {
      await link.request({ op: 'keep' }, parseNothing);
      link.close();
      // they would keep the process of the lab alive
      for (const stream of [launcher.stdin, launcher.stdout, launcher.stderr]) stream.destroy();
      launcher.unref();
    },
  };
}

async function enterBareNode(
  { agent, initPid }: NodeRecord,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const command = argv.length === 0 ? [existsSync('/bin/bash') ? 'bash' : 'sh'] : argv;
  return runOnTerminal([agent, 'enter', '--pid', String(initPid), '--', ...command], terminal);
}

/** CAP_SYS_ADMIN, https://man7.org/linux/man-pages/man7/capabilities.7.html */
const SYS_ADMIN = 1n << 21n;
const NET_ADMIN = 1n << 12n;

const NAMESPACES = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup'];

/**
 * Whether bare nodes are available here. Only reads what the kernel reports about this process; nothing is tried or
 * started.
 */
export function checkBare(platform: NodeJS.Platform): BackendCheck {
  if (platform !== 'linux') {
    return {
      works: false,
      why: `bare nodes are made of Linux namespaces, and this is ${platform}`,
      waysOut: [
        'run the lab in a Linux virtual machine (on macOS: lima, colima or UTM; on Windows: WSL 2)',
        'run the lab in a privileged Linux container: docker run --rm -it --privileged -v "$PWD:/work" -w /work node:22 …',
      ],
    };
  }
  const missing = NAMESPACES.filter((namespace) => !existsSync(`/proc/self/ns/${namespace}`));
  if (missing.length > 0) {
    return {
      works: false,
      why: `this kernel has no ${missing.join(', ')} namespaces`,
      waysOut: [
        'run the lab on a kernel of a general-purpose distribution, in a virtual machine for instance',
      ],
    };
  }
  if (!hasCapabilities(readFileSync('/proc/self/status', 'utf8'))) {
    return {
      works: false,
      why: 'making namespaces and mounts needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)',
      waysOut: [
        'run the same command with sudo: sudo -E env "PATH=$PATH" …',
        'in a container: start it with --privileged',
        'without root: take --backend vm',
      ],
    };
  }
  if (hasReadOnlyCgroups(readFileSync('/proc/self/mountinfo', 'utf8'))) {
    return {
      works: false,
      why: '/sys/fs/cgroup is read-only here, so that a node can have no group of its own',
      waysOut: [
        'in a container: start it with --privileged',
        'make it writable: mount -o remount,bind,rw /sys/fs/cgroup',
      ],
    };
  }
  return { works: true, how: 'Linux namespaces on this host' };
}

/** Reads /proc/self/status. */
export function hasCapabilities(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return false;
  const capabilities = BigInt(`0x${effective}`);
  return (capabilities & SYS_ADMIN) !== 0n && (capabilities & NET_ADMIN) !== 0n;
}

/**
 * Reads /proc/self/mountinfo. True if the host only has cgroup v2 and its hierarchy is read-only, as in an unprivileged
 * container. With v1, a node works without the hierarchies that are read-only.
 */
export function hasReadOnlyCgroups(mountinfo: string): boolean {
  const top = mountinfo.split('\n').findLast((line) => line.split(' ')[4] === '/sys/fs/cgroup');
  if (top === undefined || !top.includes(' - cgroup2 ')) return false;
  return [top.split(' ')[5], top.split(' ').at(-1)].some((flags) => flags?.split(',')[0] === 'ro');
}
