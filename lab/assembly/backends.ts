import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import type { Artifacts } from '../artifacts/artifacts.ts';
import { BadInput, LabError } from '../core/lab-error.ts';
import type { LabEvent } from '../events.ts';
import { bareBackend } from '../nodes/backends/bare.ts';
import { containerBackend } from '../nodes/backends/container.ts';
import { vmBackend } from '../nodes/backends/vm.ts';
import {
  BACKENDS,
  type Backend,
  type BackendName,
  type NodeMaker,
  type PrepareOptions,
  type NodeOnHost,
} from '../nodes/node.ts';
import type { Plan } from '../plan/plan.ts';
import type { BackendFlags, World } from './world.ts';

/** A backend to create nodes with, and the architecture of its nodes. */
export interface ChosenBackend {
  readonly backend: Backend;
  readonly arch: World['arch'];
}

/** The requested backend. `auto` is the first that works here. Throws LabError with what can be done if none works. */
export async function chooseBackend(world: World, flags: BackendFlags): Promise<ChosenBackend> {
  const refusals: Refusal[] = [];
  for (const backend of createBackends(world, flags)) {
    if (flags.backend !== 'auto' && flags.backend !== backend.name) continue;
    const check = await backend.check();
    if (check.works) {
      refuseWithoutEffect(backend.name, flags);
      return { backend, arch: check.arch ?? world.arch };
    }
    const { why, waysOut } = check;
    const same = refusals.find((one) => one.why === why && isDeepStrictEqual(one.waysOut, waysOut));
    if (same === undefined) refusals.push({ names: [backend.name], why, waysOut });
    else same.names.push(backend.name);
  }
  throw new LabError(refusals.map(describeRefusal).join('\n'));
}

/** Why backends do not work here: one, or several for the same reason. */
interface Refusal {
  readonly names: BackendName[];
  readonly why: string;
  readonly waysOut: readonly string[];
}

const describeRefusal = ({ names, why, waysOut }: Refusal): string =>
  [`${names.join(' and ')} nodes are not available here: ${why}`, ...waysOut.map((way) => `  - ${way}`)].join(
    '\n',
  );

/** Rejects options that only affect another backend and would be ignored here. */
function refuseWithoutEffect(on: string, { base, kernel, kind }: BackendFlags): void {
  if (kind !== undefined && on !== 'kind')
    throw new BadInput(`--kind is for clusters of kind and changes nothing on ${on}; add --backend kind`);
  if (base !== undefined && on !== 'container' && on !== 'kind')
    throw new BadInput(
      `--base is for container nodes and changes nothing on ${on}; add --backend container or --backend kind`,
    );
  if (kernel !== undefined && on !== 'vm')
    throw new BadInput(`--kernel is for virtual machines and changes nothing on ${on}; add --backend vm`);
}

/** A cluster where only single nodes work is refused before anything is built for it. Throws LabError. */
export async function refuseClustersOn(backend: Backend, { runs }: Plan): Promise<void> {
  const first = runs.find(({ cluster }) => cluster !== undefined);
  const check = first && (await backend.check());
  if (check?.works === true && check.noClusters !== undefined)
    throw new LabError(`${first?.scenario.name} wants a cluster: ${check.noClusters}`);
}

/** What the host and single nodes beside the clusters need. */
const INOTIFY_OF_OTHERS = 32;

/** How many nodes of clusters have room at a time, where one user may have so many instances of inotify on the host. */
export const clusterNodesAtOnce = (
  { inotifyPerClusterNode }: Pick<Backend, 'inotifyPerClusterNode'>,
  instances: number,
): number =>
  inotifyPerClusterNode === 0
    ? Infinity
    : Math.floor(Math.max(0, instances - INOTIFY_OF_OTHERS) / inotifyPerClusterNode);

/** For preparations of a run that may take place later. If no backend works, the first one is used. */
export async function backendToPrepare(world: World, flags: BackendFlags): Promise<ChosenBackend> {
  const backends = createBackends(world, flags).filter(
    ({ name }) => flags.backend === 'auto' || flags.backend === name,
  );
  for (const backend of backends) {
    const check = await backend.check();
    if (check.works) return { backend, arch: check.arch ?? world.arch };
  }
  const [first] = backends;
  if (first === undefined) throw new Error(`there is no backend ${flags.backend}`);
  return { backend: first, arch: world.arch };
}

/** Every backend for this host, in the order in which `auto` tries them. */
export function createBackends(world: World, { base }: Pick<BackendFlags, 'base'> = {}): readonly Backend[] {
  const { arch, env, platform, uid, clock, packageHostPath, cacheHostPath, stateHostPath } = world;
  const inEngine = {
    env,
    platform,
    uid,
    reaperThreadHostPath: join(packageHostPath, 'dist/reaper-thread.cjs'),
    stateHostPath,
    randomId: () => world.randomId(),
    clock,
  };
  const create: { readonly [N in BackendName]: () => Backend | undefined } = {
    bare: () =>
      bareBackend({
        artifactsHostPath: join(cacheHostPath, 'artifacts'),
        stateHostPath: join(stateHostPath, 'nodes'),
      }),
    container: () =>
      containerBackend({
        ...inEngine,
        name: 'container',
        imageHostPath: join(packageHostPath, 'images/node'),
        base: base ?? env['CNILAB_BASE'],
      }),
    kind: () =>
      containerBackend({
        ...inEngine,
        name: 'kind',
        imageHostPath: join(packageHostPath, 'images/kind-node'),
        base,
      }),
    vm: () =>
      arch === 'other'
        ? undefined
        : vmBackend({
            arch,
            platform,
            env,
            cacheHostPath,
            stateHostPath: join(stateHostPath, 'vm-nodes'),
            clock,
            rememberedHostPath: join(cacheHostPath, 'vm/acceleration.json'),
          }),
  };
  return BACKENDS.flatMap((name) => create[name]() ?? []);
}

/** Everything that nodes of this backend are made of, from the cache or added to it. */
export const prepareBackend = (
  backend: Backend,
  { artifacts, emit, signal, mayBeKept, first }: PrepareBackendOptions,
): Promise<NodeMaker> =>
  backend.prepare({
    own: (name) => artifacts.ensureOwn(name, signal),
    progress: (news) => emit({ kind: 'progress', ...news }),
    notice: (message) => emit({ kind: 'notice', message }),
    signal,
    mayBeKept,
    ...(first === undefined ? {} : { first }),
  });

export interface PrepareBackendOptions extends Pick<PrepareOptions, 'signal' | 'mayBeKept' | 'first'> {
  readonly artifacts: Artifacts;
  readonly emit: (event: LabEvent) => void;
}

/** A backend that is chosen and prepared while other work goes on. */
export interface NodesAhead {
  readonly backend: Promise<Backend>;
  readonly maker: Promise<NodeMaker>;
  /** Ends nodes that were created and not requested, and aborts the rest of the preparation. */
  end(): Promise<void>;
}

/** Starts immediately. Only a caller that awaits the result gets the error. */
export function nodesAhead(
  choose: () => Promise<Backend>,
  { signal, ...options }: PrepareBackendOptions,
): NodesAhead {
  const given = new AbortController();
  const backend = choose();
  const maker = backend.then((chosen) =>
    prepareBackend(chosen, { ...options, signal: AbortSignal.any([signal, given.signal]) }),
  );
  maker.catch(() => undefined);
  return {
    backend,
    maker,
    async end() {
      given.abort(new Error('not wanted any more'));
      await maker.then(
        (made) => made.end(),
        () => undefined,
      );
    },
  };
}

/** A running node, and the functions that end and enter it. */
export interface FoundNode extends NodeOnHost {
  readonly backend: Backend;
}

/** What the backends answered. `unanswered` is why some did not: there may be more than what was found. */
export interface Answers<T> {
  readonly found: readonly T[];
  readonly unanswered: readonly string[];
}

async function askEach<T>(
  backends: readonly Backend[],
  question: (backend: Backend) => Promise<readonly T[]>,
): Promise<Answers<T>> {
  const unanswered = new Set<string>(); // two backends can share one engine
  const answers = backends.map((backend) =>
    question(backend).catch((thrown: unknown) => {
      if (!(thrown instanceof LabError)) throw thrown;
      unanswered.add(thrown.message);
      return [];
    }),
  );
  return { found: (await Promise.all(answers)).flat(), unanswered: [...unanswered] };
}

/** Every running node, on any of these backends. */
export const nodesUp = (backends: readonly Backend[]): Promise<Answers<FoundNode>> =>
  askEach(backends, async (backend) => (await backend.nodes()).map((node) => ({ ...node, backend })));

/** Kept nodes of labs with this directory of nodes. `--all` means these. */
export const ownKept = (nodes: readonly FoundNode[]): readonly FoundNode[] =>
  nodes.filter(({ kept, elsewhere }) => kept && elsewhere !== true);

/**
 * Removes nodes and incomplete artifacts that killed labs left on this host. Returns a line for each. Cheap if there
 * are none.
 */
export async function sweepHost({
  backends,
  artifacts,
}: {
  backends: readonly Backend[];
  artifacts: Artifacts;
}): Promise<Answers<string>> {
  const { found, unanswered } = await askEach(backends, (backend) => backend.sweep());
  return { found: [...found, ...(await artifacts.sweep(new AbortController().signal))], unanswered };
}
