import { join } from 'node:path';

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
import type { BackendFlags, World } from './world.ts';

/** A backend to make nodes on, and what its nodes run. */
export interface ChosenBackend {
  readonly backend: Backend;
  readonly arch: World['arch'];
}

/** The backend that was asked for; `auto` is the first that works here. LabError with each way out when none does. */
export async function chooseBackend(world: World, flags: BackendFlags): Promise<ChosenBackend> {
  const refusals: string[] = [];
  for (const backend of createBackends(world, flags)) {
    if (flags.backend !== 'auto' && flags.backend !== backend.name) continue;
    const check = await backend.check();
    if (check.works) {
      refuseWithoutEffect(backend.name, flags);
      return { backend, arch: check.arch ?? world.arch };
    }
    refusals.push(
      `${backend.name} nodes are not available here: ${check.why}\n${check.waysOut.map((way) => `  - ${way}`).join('\n')}`,
    );
  }
  throw new LabError(refusals.join('\n'));
}

/** An option that another backend's nodes have would change nothing here, and nobody would know. */
function refuseWithoutEffect(on: string, { base, kernel }: BackendFlags): void {
  if (base !== undefined && on !== 'container')
    throw new BadInput(`--base is for container nodes and changes nothing on ${on}; add --backend container`);
  if (kernel !== undefined && on !== 'vm')
    throw new BadInput(`--kernel is for virtual machines and changes nothing on ${on}; add --backend vm`);
}

/** For what is done ahead, of a run that may come on another day: the first stands in where none works. */
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

/** Every backend that this host can have, in the order in which `auto` tries them. */
export function createBackends(world: World, { base }: Pick<BackendFlags, 'base'> = {}): readonly Backend[] {
  const { arch, env, platform, uid, clock, packageHostPath, cacheHostPath, stateHostPath } = world;
  const create: { readonly [N in BackendName]: () => Backend | undefined } = {
    bare: () =>
      bareBackend({
        artifactsHostPath: join(cacheHostPath, 'artifacts'),
        stateHostPath: join(stateHostPath, 'nodes'),
      }),
    container: () =>
      containerBackend({
        env,
        platform,
        uid,
        imageHostPath: join(packageHostPath, 'images/node'),
        reaperThreadHostPath: join(packageHostPath, 'dist/reaper-thread.cjs'),
        base: base ?? env['CNILAB_BASE'],
        stateHostPath,
        randomId: () => world.randomId(),
        clock,
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

/** All that nodes of this backend are made of, from the cache or brought into it. */
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

/** A backend that is being chosen and prepared while something else goes on. */
export interface NodesAhead {
  readonly backend: Promise<Backend>;
  readonly maker: Promise<NodeMaker>;
  /** Takes down what was made and never asked for; what is still being prepared is given up. */
  end(): Promise<void>;
}

/** Begins at once. Whoever awaits it gets the error, and nobody else. */
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

/** A node that is up, and what can end and enter it. */
export interface FoundNode extends NodeOnHost {
  readonly backend: Backend;
}

/** Every node that is up, on whatever backend. */
export async function nodesUp(world: World): Promise<readonly FoundNode[]> {
  const found = createBackends(world).map(async (backend) =>
    (await backend.nodes()).map((node) => ({ ...node, backend })),
  );
  return (await Promise.all(found)).flat();
}

/** Those that were left up by labs with this folder of nodes: what `--all` means. */
export const ownKeptNodes = async (world: World): Promise<readonly FoundNode[]> =>
  (await nodesUp(world)).filter(({ kept, elsewhere }) => kept && elsewhere !== true);

/** Removes what killed labs left on this host, nodes and half-made artifacts; a line for each. Costs next to nothing. */
export async function sweepHost({
  backends,
  artifacts,
}: {
  backends: readonly Backend[];
  artifacts: Artifacts;
}): Promise<readonly string[]> {
  const swept = await Promise.all(backends.map((backend) => backend.sweep()));
  return [...swept.flat(), ...(await artifacts.sweep(new AbortController().signal))];
}
