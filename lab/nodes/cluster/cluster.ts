import type { Artifact } from '../../artifacts/artifact.ts';
import type { ClusterLook } from '../../core/cluster-state.ts';
import { err, LabError, ok, type Result } from '../../core/lab-error.ts';
import type { Clock, CommandResult } from '../../core/ports.ts';
import { NotInTime, waitFor } from '../../core/wait-for.ts';
import { addressOf, GROUP_LINK } from '../group.ts';
import type { LabNode } from '../node.ts';
import type { NodeRuntime } from '../node-runtime.ts';
import { installPrograms } from '../provision.ts';
import {
  ADMIN_CONFIG,
  adminRoleArgv,
  apiServerArgv,
  CERTIFICATES,
  controllerManagerArgv,
  etcdArgv,
  kubeadmFile,
  kubeconfigOf,
  kubeletArgv,
  kubeProxyArgv,
  KUBERNETES,
  logOf,
  nodeFiles,
  programsOf,
  readyArgv,
  routeArgv,
  schedulerArgv,
  serviceRouteArgv,
  type Member,
} from './kubernetes-files.ts';
import { releaseOf } from './releases.ts';
import { LIST_STATE, readState } from './read-state.ts';
import { lastError, startProgram, watchSpaceOfEtcd, type ClusterProgram } from './node-process.ts';

export interface ClusterOptions {
  readonly kubernetes: Artifact;
  readonly etcd: Artifact;
  /** the control plane is the first; each has a runtime that answers */
  readonly nodes: readonly { readonly name: string; readonly node: LabNode; readonly runtime: NodeRuntime }[];
  /** the processors of the nodes are emulated, so everything on them is slow */
  readonly emulated?: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** called with each part that is up, and what it took */
  readonly onPart: (part: ClusterPart) => void;
}

export interface ClusterPart {
  /** `certificates`, `kube-apiserver`, `nodes`; by kind: `kind create cluster`, `nodes` */
  readonly part: string;
  readonly ms: number;
}

/** Kubernetes on the nodes of a group, all of them Ready. */
export interface Cluster {
  /** One of them, by its name. */
  node(name: string): ClusterNode;
  /**
   * What its API server says of it, or why nobody could ask it. If etcd or the API server has ended, or etcd has no space, it is
   * not asked: it would answer with what was true before.
   */
  look(): Promise<ClusterLook>;
}

/** A node of a cluster. */
export interface ClusterNode extends Pick<Cluster, 'look'> {
  kubeletRuns(): boolean;
  /**
   * Starts its kubelet again, with the routes to the pods of other nodes. Other programs of Kubernetes that have ended on this node
   * are started too, as kubelet itself starts them on nodes of kubeadm. Throws LabError where the API server does not answer again.
   */
  startKubelet(): Promise<void>;
  /** Ends its kubelet, and waits for its end; its pods stay. */
  endKubelet(signal: 'TERM' | 'KILL'): Promise<void>;
}

/** Kubernetes on emulated processors needs minutes. */
const upWithinMs = ({ emulated = false }: Pick<ClusterOptions, 'emulated'>): number =>
  emulated ? 900_000 : 60_000;
/** On those, kubeadm needs a minute for the keys of the certificates. */
const COMMAND_MS = 600_000;
const ANSWER_MS = 60_000;
const LOOK_MS = 20_000;

/**
 * Starts Kubernetes on the nodes of a group, and waits until each is Ready. Certificates and kubeconfigs are made by kubeadm on the
 * control plane. Throws LabError with what did not come up, and what it said.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { kubernetes, etcd } = options;
  const work = clusterWork(options, addressOf);
  const { members, controlPlane, start, timed } = work;

  const startApiServer = async (): Promise<void> => {
    await start(controlPlane, apiServerArgv(controlPlane));
    await work.untilApiServer();
  };

  const kubeconfigs = await timed('certificates', async () => {
    await Promise.all([
      ...members.map(({ node }) => installPrograms(node, kubernetes)),
      installPrograms(controlPlane.node, etcd),
      controlPlane.node.writeFiles([kubeadmFile(kubernetes.version, controlPlane)]),
    ]);
    await start(controlPlane, etcdArgv); // it needs no certificates, and a second
    return makeKubeconfigs(controlPlane.node, members);
  });

  await timed('kube-apiserver', async () => {
    await startApiServer();
    if (controlPlane.release.hasSuperAdmin) await succeed(controlPlane.node, adminRoleArgv);
  });

  await timed('nodes', async () => {
    await Promise.all([
      start(controlPlane, controllerManagerArgv(controlPlane)),
      start(controlPlane, schedulerArgv),
    ]);
    await Promise.all(
      members.map(async (member) => {
        const { node } = member;
        await node.writeFiles([...nodeFiles(member), ...(kubeconfigs.get(member.name) ?? [])]);
        await setRoutes(member, { members, link: GROUP_LINK });
        await start(member, kubeletArgv(member));
        await start(member, kubeProxyArgv);
      }),
    );
    await work.untilReady();
  });

  return work.clusterOf(async (member) => {
    await setRoutes(member, { members, link: GROUP_LINK });
    for (const argv of programsOf(member)) {
      if (!hasEnded(member, argv)) continue;
      await (argv[0] === 'kube-apiserver' ? startApiServer() : start(member, argv));
    }
  });
}

/** Whether a program was started on a node and runs no more. */
export const hasEnded = ({ programs }: ClusterMember, [program = '']: readonly string[]): boolean =>
  programs.get(program)?.runs() === false;

/** A node of a cluster, and its programs that the lab has started. */
export interface ClusterMember extends Member {
  readonly node: LabNode;
  readonly programs: Map<string, ClusterProgram>;
}

/** What every start of a cluster consists of, on the nodes of a group and on those of kind. */
export function clusterWork(options: ClusterOptions, address: (number: number) => string) {
  const { kubernetes, nodes, clock, signal, onPart } = options;
  const release = releaseOf(kubernetes.version);
  const members = nodes.map(({ name, node, runtime }, index): ClusterMember => {
    const number = index + 1;
    return {
      ...{ name, number, address: address(number), socket: runtime.kind.traits.socket, node, release },
      programs: new Map<string, ClusterProgram>(),
    };
  });
  const [controlPlane] = members;
  if (controlPlane === undefined) throw new Error('a cluster has one node at least');
  const start = async (
    member: ClusterMember,
    argv: readonly string[],
    how?: { readonly service: boolean },
  ): Promise<void> => {
    const program = await startProgram(member, argv, how);
    member.programs.set(program.name, program);
  };
  const check = async (programs: readonly ClusterProgram[]): Promise<void> => {
    const ended = await endedOf(programs);
    if (ended.length > 0) throw new LabError(ended.join('; '));
  };
  /** what it takes to ask for the state of the cluster, and to change it */
  const apiServer = () => ['etcd', 'kube-apiserver'].flatMap((name) => controlPlane.programs.get(name) ?? []);
  const until = async (what: string, look: () => Promise<Result<undefined, string>>): Promise<void> => {
    await waitFor(what, look, { everyMs: 100, forMs: upWithinMs(options), clock, signal });
  };
  const state = async () => readState(await controlPlane.node.exec(LIST_STATE, { timeoutMs: LOOK_MS }));
  const hasNoSpace = watchSpaceOfEtcd(controlPlane.node);
  const troubles = async (): Promise<readonly string[]> => {
    const ended = await endedOf(apiServer());
    if (ended.length > 0 || !(await hasNoSpace())) return ended;
    return [
      `etcd on ${controlPlane.name} has no space left in its database and refuses every write (alarm NOSPACE)`,
    ];
  };
  const look = async (): Promise<ClusterLook> => {
    const before = await troubles();
    if (before.length > 0) return { unseen: before.join('; '), forGood: true };
    const seen = await state();
    return 'unseen' in seen ? { unseen: [seen.unseen, ...(await troubles())].join('; ') } : seen;
  };
  return {
    members,
    controlPlane,
    start,
    timed: async <T>(part: string, work: () => Promise<T>): Promise<T> => {
      const startedMs = clock.now();
      const made = await work();
      onPart({ part, ms: clock.now() - startedMs });
      return made;
    },
    untilApiServer: () =>
      until('the API server', async () => {
        await check(apiServer());
        const { exitCode, stderr, stdout } = await controlPlane.node.exec(readyArgv, {
          timeoutMs: ANSWER_MS,
        });
        return exitCode === 0 ? ok(undefined) : err(lastLineOf(`${stdout}\n${stderr}`));
      }),
    untilReady: async (): Promise<void> => {
      let seen: ClusterLook = { unseen: 'nobody looked' };
      await until('the nodes', async () => {
        await check(members.flatMap(({ programs }) => [...programs.values()]));
        seen = await state();
        const notReady = unreadyNodes(seen, members);
        return notReady.length === 0 ? ok(undefined) : err(notReady.join('; '));
      }).catch(async (thrown: unknown) => {
        throw thrown instanceof NotInTime ? await withKubelets(thrown, { seen, members }) : thrown;
      });
    },
    /** `startKubelet` starts that of one node again. */
    clusterOf: (startKubelet: (member: ClusterMember) => Promise<void>): Cluster => ({
      look,
      node(name) {
        const member = members.find((one) => one.name === name);
        if (member === undefined) throw new Error(`the cluster has no node ${name}`);
        const kubelet = () => member.programs.get('kubelet');
        return {
          look,
          kubeletRuns: () => kubelet()?.runs() !== false,
          startKubelet: () => startKubelet(member),
          endKubelet: async (how) => kubelet()?.end(how),
        };
      },
    }),
  };
}

/** All certificates, and for each node the files that its programs need to speak with the API server. */
async function makeKubeconfigs(controlPlane: LabNode, members: readonly Member[]) {
  for (const argv of CERTIFICATES) await succeed(controlPlane, argv);
  const ca = await controlPlane.readFile(`${KUBERNETES}/pki/ca.crt`);
  const admin = await controlPlane.readFile(`${KUBERNETES}/admin.conf`);
  await controlPlane.writeFiles([{ nodePath: ADMIN_CONFIG, content: admin, mode: 0o600 }]);
  const proxy = await printedKubeconfig(controlPlane, kubeconfigOf('system:kube-proxy'));
  const made = await Promise.all(
    members.map(async ({ name, number }) => {
      const own =
        number === 1
          ? [] // kubeadm has written its own
          : [
              {
                nodePath: `${KUBERNETES}/kubelet.conf`,
                content: await printedKubeconfig(
                  controlPlane,
                  kubeconfigOf(`system:node:${name}`, ['system:nodes']),
                ),
              },
              { nodePath: `${KUBERNETES}/pki/ca.crt`, content: ca },
            ];
      return [name, [...own, { nodePath: `${KUBERNETES}/kube-proxy.conf`, content: proxy }]] as const;
    }),
  );
  return new Map(made);
}

/** A kubeconfig that kubeadm prints. On a configuration of kind, kubeadm 1.23 prints a warning before it. */
export async function printedKubeconfig(node: LabNode, argv: readonly string[]): Promise<string> {
  const { stdout } = await succeed(node, argv);
  return stdout.slice(Math.max(0, stdout.search(/^apiVersion:/m)));
}

/** To Services, and to the pods of the other nodes. `link` leads to these. */
export async function setRoutes(
  of: ClusterMember,
  { members, link }: { readonly members: readonly Member[]; readonly link: string },
): Promise<void> {
  await succeed(of.node, serviceRouteArgv(link));
  for (const other of members) if (other.number !== of.number) await succeed(of.node, routeArgv(other));
}

export async function succeed(node: LabNode, argv: readonly string[]): Promise<CommandResult> {
  const result = await node.exec(argv, { timeoutMs: COMMAND_MS });
  if (result.exitCode === 0) return result;
  const what = `${argv.slice(0, 4).join(' ')} on ${node.name}`;
  throw new LabError(
    result.timedOut
      ? `${what} did not end within ${COMMAND_MS / 1000} s`
      : `${what} failed: ${lastLineOf(result.stderr)}`,
  );
}

const lastLineOf = (text: string): string => text.trim().split('\n').at(-1) ?? '';

const endedOf = async (programs: readonly ClusterProgram[]): Promise<readonly string[]> =>
  (await Promise.all(programs.map((program) => program.whyEnded()))).filter((why) => why !== undefined);

/** The API server knows nothing of a node that has not joined. The last error of its kubelet says more. */
export async function withKubelets(
  { message }: NotInTime,
  { seen, members }: { readonly seen: ClusterLook; readonly members: readonly OnNode[] },
): Promise<LabError> {
  const known = 'unseen' in seen ? [] : seen.nodes.map(({ name }) => name);
  const absent = members.filter(({ name }) => !('unseen' in seen) && !known.includes(name));
  const say = absent.map(
    async ({ name, node }) => `kubelet on ${name} says: ${lastError(await node.readFile(logOf('kubelet')))}`,
  );
  return new LabError([message, ...(await Promise.all(say))].join('; '));
}

interface OnNode extends Pick<Member, 'name'> {
  readonly node: Pick<LabNode, 'readFile'>;
}

/** What keeps nodes from being Ready, as the API server says it. */
export function unreadyNodes(look: ClusterLook, members: readonly Pick<Member, 'name'>[]): readonly string[] {
  if ('unseen' in look) return [look.unseen];
  return members.flatMap(({ name }) => {
    const node = look.nodes.find((one) => one.name === name);
    if (node === undefined) return [`${name} has not joined`];
    return node.ready === 'True' ? [] : [`${name} is not Ready: ${node.message}`];
  });
}
