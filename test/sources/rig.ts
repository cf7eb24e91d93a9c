import { mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createArtifacts, type ArtifactsOptions } from '../../lab/artifacts/artifacts.ts';
import type { ArtifactEvent } from '../../lab/artifacts/artifact.ts';
import { systemClock } from '../../lab/host/machine.ts';
import { findProgram } from '../../lab/host/exec.ts';
import { SOURCES } from '../../lab/core/components.ts';
import { readPins } from '../../lab/assembly/open-artifacts.ts';
import type { Pins } from '../../lab/plan/pins.ts';

export const packageHostPath = join(import.meta.dirname, '../..');
export const signal: AbortSignal = new AbortController().signal;

export function realPins(): Pins {
  return readPins({ packageHostPath });
}

export const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'cnilab-sources-'));

/** Artifacts with a cache and a home of their own in `folder`, by default from the real sources. */
export function artifactsIn(folder: string, overrides: Partial<ArtifactsOptions> = {}) {
  const events: ArtifactEvent[] = [];
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  const { XDG_CONFIG_HOME: _, XDG_CACHE_HOME: __, ...env } = process.env;
  const artifacts = createArtifacts({
    cacheHostPath: join(folder, 'cache'),
    packageHostPath,
    pins: realPins(),
    arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
    sourceOrder: SOURCES,
    offline: false,
    // The user's own module settings are in GOENV, because HOME is changed.
    env: {
      ...env,
      HOME: home,
      GOENV: process.env.GOENV ?? join(process.env.HOME ?? '/root', '.config/go/env'),
    },
    clock: systemClock,
    host: { cores: availableParallelism(), freeMemoryBytes: () => process.availableMemory() },
    onEvent: (event) => events.push(event),
    ...overrides,
  });
  return { artifacts, events, home };
}

/** A PATH with all programs of this machine except the named ones. */
export function pathWithout(folder: string, programs: readonly string[]): string {
  const bin = join(folder, 'path');
  mkdirSync(bin, { recursive: true });
  for (const place of (process.env.PATH ?? '').split(':')) {
    for (const name of namesIn(place)) {
      if (programs.includes(name) || findProgram(name, bin) !== undefined) continue;
      const found = findProgram(name, place);
      if (found !== undefined) symlinkSync(found, join(bin, name));
    }
  }
  return bin;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
