import type { Clock, Exec } from '../core/ports.ts';
import type { ComponentRef, SourceName } from '../plan/components.ts';
import type { Arch, Pins } from '../plan/pins.ts';
import { describeComponent } from '../plan/components.ts';
import { createConnect } from '../host/connect.ts';
import { createHttp } from '../host/http.ts';
import { join } from 'node:path';
import { createApt } from './apt.ts';
import type { Artifact } from './artifact.ts';
import { createCache } from './cache.ts';
import { createDebian } from './debian.ts';
import type { ArtifactEvent } from './events.ts';
import { createGoTool } from './go-tool.ts';
import { createGomod } from './gomod.ts';
import { findCached, obtain } from './obtain.ts';
import { LabError } from '../core/lab-error.ts';

export interface ArtifactsOptions {
  readonly cacheHostPath: string;
  readonly imagesHostPath: string;
  readonly pins: Pins;
  readonly arch: Arch;
  readonly offline: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly sourceOrder: readonly SourceName[];
  readonly onEvent: (event: ArtifactEvent) => void;
}

export function createArtifacts(options: ArtifactsOptions) {
  const { cacheHostPath, pins, arch, offline, env, exec, clock, onEvent } = options;
  const cache = createCache({ cacheHostPath, env });
  const connect = createConnect({ env, connectTimeoutMs: 3000 });
  const http = createHttp({ connect, stallTimeoutMs: 20_000 });
  const go = createGoTool({ exec, env, cacheHostPath, arch, offline });
  const apt = createApt({
    exec,
    env,
    cacheHostPath,
    http,
    clock,
    offline,
    debianSuites: pins.debianSuites,
    securitySuites: pins.debianSecuritySuites,
  });
  const sources = [
    createGomod({
      pins,
      arch,
      go,
      http,
      env,
      sumsHostPath: join(options.imagesHostPath, 'gomod'),
      oneAtATime: createQueue(),
    }),
    createDebian({ pins, arch, apt, exec }),
  ];
  return {
    async ensure(ref: ComponentRef, signal: AbortSignal): Promise<Artifact> {
      const what = describeComponent(ref);
      const asked = sources.filter(({ name }) => ref.source === undefined || ref.source === name);
      const offers = asked.map((source) => source.recipe(ref));
      const recipes = offers.flatMap((offer) => (offer.ok ? [offer.value] : []));
      const here = await findCached(recipes, { cache, what, signal, onEvent });
      if (here !== undefined) return here;
      const whys: string[] = [];
      for (const recipe of recipes) {
        const got = await obtain(recipe, { cache, what, signal, onEvent });
        if (got.ok) return got.value;
        onEvent({ kind: 'artifact-refused', what, source: recipe.source, why: got.error.why });
        whys.push(got.error.why);
      }
      throw new LabError(whys.join('\n'));
    },
  };
}

function createQueue() {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
