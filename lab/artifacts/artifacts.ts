import { join } from 'node:path';
import { LabError, messageOf, type Result } from '../core/lab-error.ts';
import type { Clock } from '../core/ports.ts';
import { createLeashedExec } from '../host/exec.ts';
import { lazyHttp } from '../host/lazy-http.ts';
import type { ComponentName, ComponentRef, SourceName, Arch } from '../core/components.ts';
import type { Pins } from '../plan/pins.ts';
import { createApt } from './apt/apt.ts';
import type { Artifact, Recipe, Refusal, Source, ArtifactEvent } from './artifact.ts';
import { createCache } from './cache/cache.ts';
import { createDebian } from './sources/debian.ts';
import { allOf, ensureComponents, type Ensured } from './ensure.ts';
import { buildsAtOnce, createBuildQueue } from './go/build-queue.ts';
import { createGoTool } from './go/tool.ts';
import { createGomod } from './sources/gomod.ts';
import { createLocal, describeLocal } from './sources/local.ts';
import { describeUnobtained, findCached, obtain } from './sources/obtain.ts';
import { appImageRecipe, imageArchiveRecipe, pauseImageRecipe, type ImageName } from './own/images.ts';
import { netfilterRecipe, type NetfilterPackage } from './own/netfilter.ts';
import { critestApparmorRecipe } from './own/critest-apparmor.ts';
import { critestImagesRecipe, critestRecipe } from './own/critest.ts';
import { nodeRootRecipe, type NodeRootName } from './own/node-root.ts';
import { fakePluginRecipe, nodeToolsRecipes, ownCrictlRecipe } from './own/node-tools.ts';
import { vmInitrdRecipe, vmRootRecipe } from './own/vm-disks.ts';
import { DEFAULT_KERNEL, vmKernelRecipe } from './own/vm-kernel.ts';
import { packLabImage } from './images/lab-images.ts';
import { createRelease } from './sources/release.ts';

export interface ArtifactsOptions {
  /** $XDG_CACHE_HOME/cnilab; created when something is stored in it */
  readonly cacheHostPath: string;
  /** the directory of this package, with images/ */
  readonly packageHostPath: string;
  readonly pins: Pins;
  readonly arch: Arch;
  readonly sourceOrder: readonly SourceName[];
  /** replaces scheme and host of every release URL */
  readonly mirror?: string;
  /** of virtual machines: a suite, a version, or local:VMLINUZ,MODULES */
  readonly kernel?: string;
  /** never opens a socket */
  readonly offline: boolean;
  /** environment of the user: PATH, HOME, proxies, settings of Go */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** as far as this process may use it; decides how many builds run at once */
  readonly host: { readonly cores: number; readonly freeMemoryBytes: () => number };
  readonly onEvent: (event: ArtifactEvent) => void;
}

export type OwnName =
  | 'node-tools'
  | 'critest'
  | 'critest-images'
  | 'critest-apparmor'
  | NetfilterPackage
  | NodeRootName
  | 'vm-kernel'
  | 'vm-root'
  | 'vm-initrd'
  | ImageName;

/** Everything that nodes are made of, verified and on this disk. */
export interface Artifacts {
  /**
   * Provides all of them. Throws BadInput or LabError with every one that is not available and why. Returns a function
   * from a reference to its artifact.
   */
  ensureAll(refs: readonly ComponentRef[], signal: AbortSignal): Promise<(ref: ComponentRef) => Artifact>;
  /**
   * Provides as many of them as possible, and reports why the others are not available. Throws BadInput for a version
   * that does not exist in any source.
   */
  ensureEach(refs: readonly ComponentRef[], signal: AbortSignal): Promise<Ensured>;
  ensureOwn(name: OwnName, signal: AbortSignal): Promise<Artifact>;
  /** An archive of images of the user. Throws LabError if it cannot be read. */
  ensureImage(hostPath: string, signal: AbortSignal): Promise<Artifact>;
  /** What a recipe made earlier; undefined if it has not made anything. */
  find(recipe: Recipe): Promise<Artifact | undefined>;
  /** Runs a recipe from elsewhere unless its result is already in the cache. Undefined if it does not work. */
  make(recipe: Recipe, signal: AbortSignal): Promise<Artifact | undefined>;
  /**
   * A reference to a build of the user, with the version that it reports itself. Throws BadInput if it is not the given
   * component.
   */
  describeLocal(component: ComponentName, hostPath: string, signal: AbortSignal): Promise<ComponentRef>;
  /** Every source except local, and why it cannot provide anything at the moment, if so. */
  checkSources(
    signal: AbortSignal,
  ): Promise<readonly { readonly source: SourceName; readonly refusal: Refusal | undefined }[]>;
  /** The versions that each source lists, or why it cannot list them. */
  versions(component: ComponentName, signal: AbortSignal): Promise<readonly SourceVersions[]>;
  /** Removes incomplete files of killed labs. Returns what was removed. Cheap if there are none. */
  sweep(signal: AbortSignal): Promise<readonly string[]>;
  /**
   * Removes everything from the cache. All of it can be made again. Returns false, and removes nothing, while nodes use
   * it.
   */
  clean(): Promise<boolean>;
}

export interface SourceVersions {
  readonly source: SourceName;
  readonly versions: Result<readonly string[], Refusal>;
}

const CONNECT_TIMEOUT_MS = 3_000;
const STALL_TIMEOUT_MS = 20_000;

export function createArtifacts(options: ArtifactsOptions): Artifacts {
  const { cacheHostPath, packageHostPath, pins, arch, offline, env, clock, onEvent } = options;
  const exec = createLeashedExec({ env });
  const cache = createCache({ cacheHostPath, env });
  const http = lazyHttp({
    env,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    stallTimeoutMs: STALL_TIMEOUT_MS,
  });
  const go = createGoTool({ exec, env, cacheHostPath, arch, offline });
  const suites = { debianSuites: pins.debianSuites, securitySuites: pins.debianSecuritySuites };
  const apt = createApt({ exec, env, cacheHostPath, http, clock, offline, arch, ...suites });
  const sumsHostPath = join(packageHostPath, 'images/gomod');
  const gomod = createGomod({
    pins,
    arch,
    go,
    http,
    apt,
    exec,
    env,
    sumsHostPath,
    queue: createBuildQueue(() => buildsAtOnce(options.host)),
  });
  const bySource: { readonly [S in SourceName]: Source } = {
    local: createLocal(),
    release: createRelease({ pins, arch, http, offline, mirror: options.mirror }),
    gomod,
    debian: createDebian({ pins, arch, apt, exec }),
  };
  const remoteSources = options.sourceOrder.filter((source) => source !== 'local');
  const images = { arch, apt, pack: packLabImage };
  const own = new Map<OwnName, Promise<Artifact>>();

  async function ownRecipes(name: OwnName, signal: AbortSignal): Promise<readonly Recipe[]> {
    switch (name) {
      case 'node-tools':
        return nodeToolsRecipes({ sourceHostPath: join(packageHostPath, 'images/node-tools'), arch, go });
      case 'critest':
        return [critestRecipe({ pins: pins.critest, arch, go, sumsHostPath })];
      case 'critest-images': {
        const sourceHostPath = join(packageHostPath, 'images/critest');
        return [critestImagesRecipe({ sourceHostPath, arch, apt, go })];
      }
      case 'critest-apparmor':
        return [critestApparmorRecipe({ arch, apt })];
      case 'iptables':
      case 'nftables':
        return [netfilterRecipe(name, { arch, apt, exec })];
      case 'node-root':
      case 'kind-root':
        return [nodeRootRecipe(name, { arch, apt, exec })];
      case 'vm-kernel': {
        const kernel = options.kernel ?? DEFAULT_KERNEL;
        return [vmKernelRecipe({ arch, apt, exec, kernel, suites: pins.debianSuites })];
      }
      case 'vm-root': {
        const [nodeRoot, kernel] = await Promise.all([
          ensureOwn('node-root', signal),
          ensureOwn('vm-kernel', signal),
        ]);
        return [vmRootRecipe({ nodeRoot, kernel })];
      }
      case 'vm-initrd': {
        const [nodeTools, kernel] = await Promise.all([
          ensureOwn('node-tools', signal),
          ensureOwn('vm-kernel', signal),
        ]);
        return [vmInitrdRecipe({ nodeTools, kernel })];
      }
      case 'pause-image':
        return [pauseImageRecipe(images, await ensureOwn('node-tools', signal))];
      case 'app-image':
        return [appImageRecipe(images)];
    }
  }

  async function makeOwn(name: OwnName, signal: AbortSignal): Promise<Artifact> {
    const recipes = await ownRecipes(name, signal);
    const asked = { cache, what: name, signal, onEvent };
    const here = await findCached(recipes, asked);
    if (here !== undefined) return here;
    const refusals: Refusal[] = [];
    for (const recipe of recipes) {
      const got = await obtain(recipe, asked);
      if (got.ok) return got.value;
      refusals.push(got.error);
    }
    throw new LabError(describeUnobtained([{ what: name, refusals, nearest: [], known: true }]));
  }

  function ensureOwn(name: OwnName, signal: AbortSignal): Promise<Artifact> {
    const made = own.get(name) ?? makeOwn(name, signal);
    own.set(name, made);
    made.catch(() => own.delete(name));
    return made;
  }

  async function lastResort(ref: ComponentRef, signal: AbortSignal): Promise<readonly Recipe[]> {
    if (ref.source === 'fake') return [fakePluginRecipe(await ensureOwn('node-tools', signal))];
    if (ref.source !== undefined && ref.source !== 'gomod') return [];
    const plainer = gomod.recipeWithoutLibrary(ref);
    if (plainer !== undefined) return [plainer];
    if (ref.component !== 'crictl' || ref.source !== undefined) return [];
    return ownCrictlRecipe(ref.version, await ensureOwn('node-tools', signal));
  }

  const ensureEach: Artifacts['ensureEach'] = (refs, signal) =>
    ensureComponents(refs, {
      cache,
      pins,
      bySource,
      sourceOrder: options.sourceOrder,
      signal,
      onEvent,
      lastResort: (ref) => lastResort(ref, signal),
    });

  return {
    ensureOwn,
    async ensureImage(hostPath, signal) {
      const recipe = imageArchiveRecipe(hostPath);
      const got = await obtain(recipe, { cache, what: `image ${recipe.version}`, signal, onEvent });
      if (got.ok) return got.value;
      throw new LabError(`the image ${hostPath} is not available: ${got.error.why}`);
    },
    ensureEach,
    find: ({ request }) => cache.find(request, () => undefined),
    async make(recipe, signal) {
      const made = await obtain(recipe, { cache, what: `${recipe.name} ${recipe.version}`, signal, onEvent });
      return made.ok ? made.value : undefined;
    },
    ensureAll: async (refs, signal) => allOf(await ensureEach(refs, signal)),
    describeLocal: (component, hostPath, signal) =>
      cache.make(
        JSON.stringify({ describe: component, hostPath }),
        { signal, onWait: () => undefined },
        ({ scratchHostPath }) => describeLocal({ component, hostPath, exec, scratchHostPath, signal }),
      ),
    checkSources: async (signal) =>
      Promise.all(
        remoteSources.map(async (source) => ({
          source,
          refusal: await bySource[source].check(signal).catch((thrown: unknown) => ({
            source,
            reason: 'unreachable' as const,
            why: `this could not be checked: ${messageOf(thrown)}`,
          })),
        })),
      ),
    versions: async (component, signal) =>
      Promise.all(
        remoteSources.map(async (source) => ({
          source,
          versions: await bySource[source].versions(component, signal),
        })),
      ),
    sweep: (signal) => cache.sweep(signal),
    clean: () => cache.clean(new AbortController().signal),
  };
}
