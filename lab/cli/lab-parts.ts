import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { createArtifacts, type Artifacts } from '../artifacts/artifacts.ts';
import { BadInput, LabError } from '../core/lab-error.ts';
import type { LabEvent } from '../events.ts';
import { bareBackend } from '../nodes/backends/bare.ts';
import { containerBackend } from '../nodes/backends/container.ts';
import { vmBackend } from '../nodes/backends/vm.ts';
import type { Backend, NodeOnHost } from '../nodes/node.ts';
import { SOURCES, type SourceName } from '../plan/components.ts';
import { parsePins, type Pins } from '../plan/pins.ts';
import { artifactNews } from './artifact-news.ts';
import type { BackendFlags, SourceFlags } from './flags.ts';
import type { World } from './world.ts';

/** Every version and checksum that the lab knows, from the one file that holds them. */
export function readPins(world: World): Pins {
  const file = join(world.packageHostPath, 'images/pins.yaml');
  const pins = parsePins(readFileSync(file, 'utf8'));
  if (!pins.ok) throw new LabError(`${file} is not sound: ${pins.error}`);
  return pins.value;
}

/** The artifact cache with its sources as flags and environment want them. */
export function openArtifacts(
  world: World,
  {
    pins,
    flags,
    emit,
    arch = world.arch,
  }: { pins: Pins; flags: SourceFlags; emit: (event: LabEvent) => void; arch?: World['arch'] },
): Artifacts {
  if (arch === 'other') throw new BadInput('nodes run on x86-64 and arm64 only');
  const mirror = flags.mirror ?? world.env['CNILAB_MIRROR'];
  return createArtifacts({
    cacheHostPath: world.cacheHostPath,
    packageHostPath: world.packageHostPath,
    arch,
    pins,
    sourceOrder: sourceOrder(flags.sources ?? world.env['CNILAB_SOURCES']),
    ...(mirror === undefined ? {} : { mirror }),
    ...(flags.kernel === undefined ? {} : { kernel: localKernelFrom(world, flags.kernel) }),
    offline: flags.offline === true || world.env['CNILAB_OFFLINE'] === '1',
    env: world.env,
    clock: world.clock,
    onEvent: (event) => emit(artifactNews(event)),
  });
}

function sourceOrder(text: string | undefined): readonly SourceName[] {
  if (text === undefined || text === '') return SOURCES;
  return text.split(',').map((word) => {
    const source = SOURCES.find((name) => name === word.trim());
    if (source === undefined)
      throw new BadInput(`${JSON.stringify(word)} is not a source; there are ${SOURCES.join(', ')}`);
    return source;
  });
}

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
      `${backend.name} nodes cannot be had here: ${check.why}\n${check.waysOut.map((way) => `  - ${way}`).join('\n')}`,
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

/** In the order in which `auto` tries them. */
export function createBackends(world: World, { base }: Pick<BackendFlags, 'base'> = {}): readonly Backend[] {
  const { env, platform, uid, clock } = world;
  return [
    bareBackend({
      artifactsHostPath: join(world.cacheHostPath, 'artifacts'),
      stateHostPath: join(world.stateHostPath, 'nodes'),
    }),
    containerBackend({
      env,
      platform,
      uid,
      imageHostPath: join(world.packageHostPath, 'images/node'),
      reaperThreadHostPath: join(world.packageHostPath, 'dist/reaper-thread.cjs'),
      base: base ?? env['CNILAB_BASE'],
      stateHostPath: world.stateHostPath,
      randomId: () => world.randomId(),
      clock,
    }),
    ...(world.arch === 'other'
      ? []
      : [
          vmBackend({
            arch: world.arch,
            platform: world.platform,
            env: world.env,
            cacheHostPath: world.cacheHostPath,
            stateHostPath: join(world.stateHostPath, 'vm-nodes'),
            clock,
            rememberedHostPath: join(world.cacheHostPath, 'vm/acceleration.json'),
          }),
        ]),
  ];
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

/** `local:` paths are meant from where the user is. */
const localKernelFrom = (world: World, kernel: string): string =>
  kernel.startsWith('local:')
    ? `local:${kernel
        .slice('local:'.length)
        .split(',')
        .map((path) => resolve(world.cwd, path))
        .join(',')}`
    : kernel;
