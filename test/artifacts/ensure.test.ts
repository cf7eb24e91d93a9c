import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createCache } from '../../lab/artifacts/cache/cache.ts';
import { allOf, ensureComponents } from '../../lab/artifacts/ensure.ts';
import type { ArtifactEvent, Recipe, Refusal, Source } from '../../lab/artifacts/artifact.ts';
import { BadInput, LabError, err, ok } from '../../lab/core/lab-error.ts';
import type { ComponentRef, SourceName } from '../../lab/core/components.ts';
import { pinsWith } from '../rig/pins.ts';

let folder: string;
let events: ArtifactEvent[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnilab-ensure-'));
  events = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

type Outcome = Omit<Refusal, 'source'>;

interface Behaviour {
  readonly offers?: Readonly<Record<string, Outcome>>;
  readonly checks?: Readonly<Record<string, Outcome>>;
  readonly makes?: Readonly<Record<string, Outcome>>;
  readonly has?: readonly string[];
}

/** A source that behaves as the table says. `checks` are the results of a cheap check, `makes` those of making. */
function fakeSource(name: SourceName, { offers = {}, checks = {}, makes = {}, has = [] }: Behaviour): Source {
  const refusal = (outcome: Outcome | undefined) =>
    outcome === undefined ? undefined : { source: name, ...outcome };
  return {
    name,
    recipe({ component, version }) {
      const offered = refusal(offers[version]);
      if (offered !== undefined) return err(offered);
      const recipe: Recipe = {
        source: name,
        name: component,
        version,
        request: `${name} ${component} ${version}`,
        check: async () => refusal(checks[version]),
        async make(treeHostPath) {
          made.push(`${name} ${component} ${version}`);
          const failed = refusal(makes[version]);
          if (failed !== undefined) return err(failed);
          await writeFile(join(treeHostPath, component), version);
          return ok({ madeBy: name });
        },
      };
      return ok(recipe);
    },
    check: async () => undefined,
    versions: async () => ok(has),
  };
}

let made: string[] = [];
const nothing = (name: SourceName) =>
  fakeSource(name, { offers: { '1.6.3': NOT_THERE, '1.6.99': NOT_THERE } });
const NOT_THERE = { reason: 'not-there', why: 'it has no such version' } as const;

interface Given {
  readonly sources: Partial<Record<SourceName, Source>>;
  readonly sourceOrder?: readonly SourceName[];
  readonly lastResort?: readonly Recipe[];
}

const ensure = async (refs: readonly ComponentRef[], given: Given) => allOf(await ensureEach(refs, given));

function ensureEach(refs: readonly ComponentRef[], { sources, sourceOrder, lastResort = [] }: Given) {
  made = [];
  return ensureComponents(refs, {
    cache: createCache({ cacheHostPath: join(folder, 'cache'), env: { PATH: process.env.PATH } }),
    pins: pinsWith({ containerd: { '1.6.3': 'a'.repeat(64), '1.6.8': 'b'.repeat(64) } }),
    bySource: {
      local: sources.local ?? nothing('local'),
      release: sources.release ?? nothing('release'),
      gomod: sources.gomod ?? nothing('gomod'),
      debian: sources.debian ?? nothing('debian'),
    },
    sourceOrder: sourceOrder ?? ['local', 'release', 'gomod', 'debian'],
    lastResort: async () => lastResort,
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
  });
}

const ref = { component: 'containerd', version: '1.6.3' } as const;
const unknown = { component: 'containerd', version: '1.6.99' } as const;

test('sources are tried in order, each failure is reported, and no source is asked twice', async () => {
  const artifact = await ensure([ref, ref], {
    sources: {
      release: fakeSource('release', {
        makes: { '1.6.3': { reason: 'unreachable', why: 'the host is down' } },
      }),
      gomod: fakeSource('gomod', { checks: { '1.6.3': { reason: 'not-here', why: 'there is no go' } } }),
      debian: fakeSource('debian', {}),
    },
  });
  expect(artifact(ref)).toMatchObject({
    name: 'containerd',
    version: '1.6.3',
    source: 'debian',
    madeBy: 'debian',
  });
  expect(made).toEqual(['release containerd 1.6.3', 'debian containerd 1.6.3']);
  expect(events).toEqual([
    { kind: 'artifact-refused', what: 'containerd 1.6.3', source: 'release', why: 'the host is down' },
    { kind: 'artifact-refused', what: 'containerd 1.6.3', source: 'gomod', why: 'there is no go' },
    { kind: 'artifact-ready', what: 'containerd 1.6.3', artifact: artifact(ref), from: 'source' },
  ]);
});

test('a wrong artifact from one source is reported even if another source has it', async () => {
  const artifact = await ensure([ref], {
    sources: {
      release: fakeSource('release', { makes: { '1.6.3': { reason: 'broken', why: 'wanted aa, got bb' } } }),
      gomod: fakeSource('gomod', {}),
    },
  });
  expect(events).toEqual([
    { kind: 'artifact-refused', what: 'containerd 1.6.3', source: 'release', why: 'wanted aa, got bb' },
    { kind: 'artifact-ready', what: 'containerd 1.6.3', artifact: artifact(ref), from: 'source' },
    {
      kind: 'artifact-instead',
      what: 'containerd 1.6.3',
      source: 'gomod',
      broken: { source: 'release', why: 'wanted aa, got bb' },
    },
  ]);
});

test('an artifact that a later source provided is used from the cache before an earlier source is tried again', async () => {
  const sources = {
    release: fakeSource('release', {
      makes: { '1.6.3': { reason: 'unreachable', why: 'the host is down' } },
    }),
    gomod: fakeSource('gomod', {}),
  };
  await ensure([ref], { sources });
  events = [];
  const artifact = await ensure([ref], { sources });
  expect(made).toEqual([]);
  expect(events).toEqual([
    { kind: 'artifact-ready', what: 'containerd 1.6.3', artifact: artifact(ref), from: 'cache' },
  ]);
});

test('a required source is the only one, in the order or not', async () => {
  const insisting = { ...ref, source: 'debian' } as const;
  const artifact = await ensure([insisting, ref], {
    sources: { release: fakeSource('release', {}), debian: fakeSource('debian', {}) },
    sourceOrder: ['release'],
  });
  expect([artifact(insisting).source, artifact(ref).source]).toEqual(['debian', 'release']);
});

test('a version that no source has is bad input, with what was tried and the nearest versions, before anything is made', async () => {
  const promise = ensure([ref, unknown], {
    sources: {
      release: fakeSource('release', { offers: { '1.6.99': { ...NOT_THERE, wayOut: 'update the pins' } } }),
      gomod: fakeSource('gomod', {
        checks: { '1.6.99': { reason: 'not-there', why: '404' } },
        has: ['1.6.38', '1.7.1'],
      }),
    },
  });
  await expect(promise).rejects.toThrow(
    new BadInput(
      `there is no containerd 1.6.99
  release  it has no such version
  gomod    404
  debian   it has no such version
  the nearest versions that exist: 1.6.38, 1.6.20, 1.6.8, 1.6.3, 1.7.1, 2.1.9
  ways out: update the pins`,
    ),
  );
  await expect(promise).rejects.toBeInstanceOf(BadInput);
  expect(made).toEqual([]);
});

test('a version that exists but is not available is a problem of the host', async () => {
  const down = { '1.6.3': { reason: 'unreachable', why: 'the host is down' } } as const;
  const noGo = {
    '1.6.3': { reason: 'not-here', why: 'there is no go on the PATH', wayOut: 'install Go' },
  } as const;
  const promise = ensure([ref], {
    sources: {
      release: fakeSource('release', { makes: down }),
      gomod: fakeSource('gomod', { checks: noGo }),
    },
  });
  await expect(promise).rejects.toThrow(
    new LabError(`containerd 1.6.3 is not available
  release  the host is down
  gomod    there is no go on the PATH
  debian   it has no such version
  ways out: install Go`),
  );
  await expect(promise).rejects.toBeInstanceOf(LabError);
});

test('an unknown version and a source that cannot be asked are not "not found"', async () => {
  const down = { '1.6.99': { reason: 'unreachable', why: 'the proxy is down' } } as const;
  await expect(
    ensure([unknown], { sources: { gomod: fakeSource('gomod', { checks: down }) } }),
  ).rejects.toBeInstanceOf(LabError);
});

test('everything that is not available is reported at once', async () => {
  const other = { component: 'runc', version: '1.6.99' } as const;
  await expect(ensure([unknown, other], { sources: {} })).rejects.toThrow(
    /^there is no containerd 1\.6\.99\n(.*\n)*there is no runc 1\.6\.99\n/,
  );
});

test('the last resort is used after all sources', async () => {
  const lastResort: Recipe = {
    source: 'own',
    name: 'containerd',
    version: '1.6.3',
    request: 'own',
    async make(treeHostPath) {
      await writeFile(join(treeHostPath, 'ours'), 'ours');
      return ok({ madeBy: 'us' });
    },
  };
  const artifact = await ensure([ref], { sources: {}, lastResort: [lastResort] });
  expect(artifact(ref)).toMatchObject({ source: 'own', madeBy: 'us' });
});

test('available components can be used if another is missing, which reports its reason when it is requested', async () => {
  const other = { component: 'containerd', version: '1.6.8' } as const;
  const { artifact, lost } = await ensureEach([ref, other], {
    sources: {
      gomod: fakeSource('gomod', { makes: { '1.6.8': { reason: 'broken', why: 'it does not compile' } } }),
    },
    sourceOrder: ['gomod'],
  });
  expect(artifact(ref)).toMatchObject({ version: '1.6.3', source: 'gomod' });
  expect(lost.map(({ ref }) => ref)).toEqual([other]);
  expect(() => artifact(other)).toThrow(
    new LabError('containerd 1.6.8 is not available\n  gomod    it does not compile'),
  );
});
