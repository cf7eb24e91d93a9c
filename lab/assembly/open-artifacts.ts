import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import * as v from 'valibot';
import { parse } from 'yaml';

import { createArtifacts, type Artifacts } from '../artifacts/artifacts.ts';
import type { ArtifactEvent } from '../artifacts/artifact.ts';
import { SOURCES, type ComponentRef, type SourceName } from '../core/components.ts';
import { BadInput, LabError, unreachable } from '../core/lab-error.ts';
import { readJson } from '../core/json.ts';
import type { LabEvent } from '../events.ts';
import { parsePins, type Pins } from '../plan/pins.ts';
import { resolveComponent, versionFacts } from '../plan/resolve-component.ts';
import { parseVersionSpec } from '../spec/version-spec.ts';
import type { SourceFlags, World } from './world.ts';

/**
 * Every version and checksum that the lab knows, from one file. dist/pins.json has the same content as JSON, which is
 * ten times faster to read. It is only used if it was made from exactly this text.
 */
export function readPins({ packageHostPath }: Pick<World, 'packageHostPath'>): Pins {
  const file = join(packageHostPath, 'images/pins.yaml');
  const yamlText = readFileSync(file, 'utf8');
  const pins = parsePins(pinsFromJson(yamlText, packageHostPath) ?? parse(yamlText, { schema: 'failsafe' }));
  if (!pins.ok) throw new LabError(`${file} is not sound: ${pins.error}`);
  return pins.value;
}

const PINS_JSON = v.object({ madeFromSha256: v.string(), pins: v.unknown() });

function pinsFromJson(yamlText: string, packageHostPath: string): unknown {
  const file = join(packageHostPath, 'dist/pins.json');
  const json = existsSync(file) ? readJson(PINS_JSON, readFileSync(file, 'utf8')) : undefined;
  const sha256 = createHash('sha256').update(yamlText).digest('hex');
  return json?.madeFromSha256 === sha256 ? json.pins : undefined;
}

/** The artifact cache and its sources, according to flags and environment. */
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
    host: world,
    onEvent: (event) => emit(artifactNews(event)),
  });
}

/** The kind of --kind: the pinned one by default, a version, or a build of the user. Throws BadInput. */
export async function kindRef(
  world: Pick<World, 'cwd'>,
  {
    flags,
    pins,
    artifacts,
    signal,
  }: {
    readonly flags: { readonly kind?: string };
    readonly pins: Pins;
    readonly artifacts: Pick<Artifacts, 'describeLocal'>;
    readonly signal: AbortSignal;
  },
): Promise<ComponentRef> {
  const text = flags.kind ?? 'default';
  const spec = parseVersionSpec(text);
  if (spec.ok && spec.value.kind === 'local')
    return artifacts.describeLocal('kind', resolve(world.cwd, spec.value.path), signal);
  const version = { text, place: { file: '--kind', line: 1, column: 1 } };
  const facts = versionFacts(pins, {});
  const ref = resolveComponent({ component: 'kind', version, facts, cwd: world.cwd });
  if (!ref.ok) throw new BadInput(`--kind ${text}: ${ref.error}`);
  return ref.value;
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

/** `local:` paths are relative to the working directory of the user. */
const localKernelFrom = (world: World, kernel: string): string =>
  kernel.startsWith('local:')
    ? `local:${kernel
        .slice('local:'.length)
        .split(',')
        .map((path) => resolve(world.cwd, path))
        .join(',')}`
    : kernel;

const MIB = 1024 * 1024;

/** Progress of fetching an artifact, as an event of the lab. */
function artifactNews(event: ArtifactEvent): LabEvent {
  const { what } = event;
  switch (event.kind) {
    case 'artifact-progress':
      return {
        kind: 'progress',
        what,
        how: `${event.source}: ${event.step}${amount(event)}`,
        done: false,
        ...(event.waiting === true ? { waiting: true } : {}),
      };
    case 'artifact-waiting':
      return { kind: 'progress', what, how: 'another lab is making it; waiting', done: false };
    case 'artifact-refused':
      return { kind: 'progress', what, how: `not from ${event.source}: ${event.why}`, done: false };
    case 'artifact-instead': {
      const { source, broken } = event;
      return {
        kind: 'notice',
        message: `${what} is from ${source}, because ${broken.source} does not serve: ${broken.why}`,
      };
    }
    case 'artifact-damaged':
      return { kind: 'notice', message: `${what} in the cache is damaged and is made again: ${event.why}` };
    case 'artifact-ready':
      return { kind: 'progress', what, how: `ready, from ${event.artifact.source}`, done: true };
    default:
      return unreachable(event);
  }
}

function amount({
  doneBytes,
  totalBytes,
}: {
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}): string {
  if (doneBytes === undefined) return '';
  const done = (doneBytes / MIB).toFixed(1);
  return totalBytes === undefined ? ` ${done} MiB` : ` ${done} of ${(totalBytes / MIB).toFixed(1)} MiB`;
}
