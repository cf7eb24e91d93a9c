import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';

import compareVersions from 'semver/functions/compare.js';
import * as v from 'valibot';

import { readJson } from '../../core/json.ts';
import { COMPONENTS } from '../../core/components.ts';
import { err, LabError, ok, type Result } from '../../core/lab-error.ts';
import type { GomodPins, Pins } from '../../plan/pins.ts';
import { buildFlags, type GoRun, type GoTool, refusalFromGo } from './tool.ts';
import { addOpenapi, OPENAPI_GENERATOR } from './openapi.ts';
import { parseModuleFacts, wrapperGoMod } from './wrapper.ts';
import type { Job, Refusal } from '../artifact.ts';
import type { Apt } from '../apt/apt.ts';

/** One version of a Go module, and how its programs are built. */
export interface GoBuild {
  readonly go: GoTool;
  readonly facts: GomodPins;
  readonly version: string;
  /** The programs are test binaries, for packages whose tests are a separate program: critest. */
  readonly tests?: true;
  /**
   * the content of a go.sum that must contain everything that the build needs; without it, the checksum database of Go
   * is asked
   */
  readonly heldSums?: string;
  /** the directory with the replacements for modules in the pins */
  readonly standInsHostPath?: string;
  /** Adds the programs that are not written in Go, and returns where each comes from. */
  readonly besides?: (places: BesidesPlaces) => Promise<Result<readonly string[], Refusal>>;
  /** provides the library in the pins; without it the build does not use the library */
  readonly library?: (job: Job) => Promise<Result<StaticLibrary, Refusal>>;
}

export interface BesidesPlaces {
  /** of the module, unpacked */
  readonly sourceHostPath: string;
  readonly binHostPath: string;
  readonly job: Job;
}

export interface GoBuilt {
  readonly madeBy: string;
  readonly note?: string;
  /** everything that the build needed */
  readonly sums: string;
}

export interface GoModule {
  readonly goModHostPath: string;
  /** its source */
  readonly hostPath: string;
  /** the h1:… checksum of the source, from Go */
  readonly sum: string;
  /** that of its go.mod */
  readonly goModSum: string;
}

/** The output of `go mod download -json`. */
const DOWNLOADED = v.object({
  GoMod: v.optional(v.string()),
  Dir: v.optional(v.string()),
  Sum: v.optional(v.string()),
  GoModSum: v.optional(v.string()),
  Error: v.optional(v.string()),
});

export async function downloadModule(
  { go, facts, version }: GoBuild,
  run: GoRun,
): Promise<Result<GoModule, Refusal>> {
  const asked = `${facts.module}@v${version}`;
  const { exitCode, stdout, stderr } = await go.run(['mod', 'download', '-json', asked], run);
  const {
    GoMod,
    Dir,
    Sum,
    GoModSum = '',
    Error: why,
  } = (exitCode === null ? undefined : readJson(DOWNLOADED, stdout)) ?? {};
  if (GoMod === undefined || Dir === undefined || Sum === undefined)
    return err(refusalFromGo(asked, why ?? stderr));
  return ok({ goModHostPath: GoMod, hostPath: Dir, sum: Sum, goModSum: GoModSum });
}

/**
 * Builds the programs of the module into bin/ below `treeHostPath`, in a wrapper module. Reproducible; see
 * wrapperGoMod.
 */
export async function buildModule(
  build: GoBuild,
  treeHostPath: string,
  job: Job,
): Promise<Result<GoBuilt, Refusal>> {
  const { go, facts, version, heldSums } = build;
  const { signal, scratchHostPath } = job;
  const library = await build.library?.(job);
  if (library?.ok === false) return library;
  const run = {
    signal,
    scratchHostPath,
    cgo: facts.cgo,
    ...(library === undefined ? {} : { library: library.value.environment }),
  };
  const wrapper = join(scratchHostPath, 'wrapper');
  await mkdir(wrapper);

  job.progress('downloading the source');
  if (heldSums !== undefined) {
    // next to a go.mod, so that they apply to the component itself, because not every version is in the checksum
    // database of Go
    await writeFile(join(wrapper, 'go.mod'), 'module cnilab/wrapper\n');
    await writeFile(join(wrapper, 'go.sum'), heldSums);
  }
  const module = await downloadModule(build, {
    ...run,
    cwd: heldSums === undefined ? scratchHostPath : wrapper,
  });
  if (!module.ok) return module;
  const described = await go.run(['mod', 'edit', '-json', module.value.goModHostPath], {
    ...run,
    cwd: scratchHostPath,
  });
  if (described.exitCode !== 0) return err(refusalFromGo(`${facts.module}@v${version}`, described.stderr));
  const moduleFacts = parseModuleFacts(described.stdout);
  const lacksOpenapi = facts.openapi !== undefined && compareVersions(version, facts.openapi) < 0;
  await writeFile(
    join(wrapper, 'go.mod'),
    wrapperGoMod({
      module: facts.module,
      version,
      facts: moduleFacts,
      folderVersion: facts.folders === undefined ? undefined : withVersion(facts.folders, version),
      standIns: { ...facts.standIns, ...(lacksOpenapi ? { [facts.module]: 'source' } : {}) },
    }),
  );
  for (const folder of Object.values(facts.standIns ?? {}))
    await cp(join(build.standInsHostPath ?? '', folder), join(wrapper, folder), { recursive: true });
  if (heldSums !== undefined) await writeFile(join(wrapper, 'go.sum'), heldSums);
  if (lacksOpenapi) {
    job.progress('generating the definitions of its API');
    const added = await addOpenapi({
      ...{ go, run: { ...run, scratchHostPath }, wrapperHostPath: wrapper },
      ...{ module: facts.module, sourceHostPath: module.value.hostPath, folders: moduleFacts.folders },
      build: [...tagFlags(facts, library !== undefined), ...mainPackages(facts)],
    });
    if (!added.ok) return added;
  }

  job.progress(facts.takes === undefined ? 'building' : `building, which takes ${facts.takes}`);
  const verb = build.tests === true ? ['test', '-c'] : ['build'];
  const flags = flagsOf(facts, { version, sum: module.value.sum, library: library !== undefined });
  const bin = join(treeHostPath, 'bin');
  await mkdir(bin);
  const built = await go.run([...verb, '-o', `${bin}/`, ...flags], { ...run, cwd: wrapper });
  if (built.exitCode !== 0)
    return err(refusalFromGo(`go build of ${facts.module}@v${version}`, built.stderr));
  for (const [given, program] of Object.entries(facts.named ?? {}))
    await rename(join(bin, given), join(bin, program));
  const ofModule = `${facts.module} v${version}`;
  const sums = [
    await readFile(join(wrapper, 'go.sum'), 'utf8'),
    // not in go.sum where a copy replaces it
    ...(lacksOpenapi
      ? [`${ofModule} ${module.value.sum}\n${ofModule}/go.mod ${module.value.goModSum}\n`]
      : []),
  ].join('');
  const unheld = heldSums === undefined ? [] : linesNotIn(heldSums, sums);
  if (unheld.length > 0) {
    const why = `${facts.module}@v${version} needs modules that our go.sum does not hold: ${unheld.slice(0, 3).join(', ')}`;
    return err({ source: 'gomod', reason: 'broken', why });
  }
  const besides = await build.besides?.({ sourceHostPath: module.value.hostPath, binHostPath: bin, job });
  if (besides?.ok === false) return besides;
  const goVersion = await go.run(['env', 'GOVERSION'], run);
  return ok({
    sums,
    madeBy: `${goVersion.stdout.trim()}: CGO_ENABLED=${facts.cgo ? 1 : 0} go ${[...verb, ...flags].join(' ')}${[...(library === undefined ? [] : [library.value.madeFrom]), ...(besides?.value ?? []), ...(lacksOpenapi ? [`what ${OPENAPI_GENERATOR} generates`] : [])].map((one) => `, with ${one}`).join('')}`,
    ...(facts.library !== undefined && library === undefined
      ? { note: `without ${facts.library.name}` }
      : {}),
  });
}

function flagsOf(
  facts: GomodPins,
  { version, sum, library }: { version: string; sum: string; library: boolean },
): readonly string[] {
  const set = Object.entries(facts.set).map(
    ([variable, value]) => `-X ${variable}=${withVersion(value, version).replaceAll('{sum}', sum)}`,
  );
  return [
    ...tagFlags(facts, library),
    ...buildFlags(...(library ? ['-extldflags=-static'] : []), ...set),
    ...mainPackages(facts),
  ];
}

function tagFlags(facts: GomodPins, library: boolean): readonly string[] {
  const tags = [...facts.tags, ...(library ? (facts.library?.tags ?? []) : [])];
  return tags.length > 0 ? ['-tags', tags.join(',')] : [];
}

const mainPackages = ({ packages, module }: GomodPins): readonly string[] =>
  packages.map((path) => (path === '.' ? module : `${module}/${path}`));

/** A text of the pins with {version}, {major}, {minor} and {patch} filled in. */
function withVersion(text: string, version: string): string {
  const [major = '', minor = '', patch = ''] = version.split('.');
  return text
    .replaceAll('{version}', version)
    .replaceAll('{major}', major)
    .replaceAll('{minor}', minor)
    .replaceAll('{patch}', patch);
}

const linesNotIn = (held: string, needed: string): readonly string[] => {
  const known = new Set(held.split('\n'));
  return needed.split('\n').filter((line) => !known.has(line));
};

export interface HoldOptions {
  readonly pins: Pins;
  readonly go: GoTool;
  /** provides C libraries, because the modules that a build with them needs must be pinned too */
  readonly apt: Apt;
  /** directory with <component>.sum */
  readonly sumsHostPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/**
 * Updates images/gomod/<name>.sum to the pinned versions in pins.yaml. Each version that it does not contain yet is
 * built once, verified with the checksum database of Go, and what the build needed is added. All versions of a
 * component share one file, because they share most dependencies.
 */
export async function holdSums(options: HoldOptions): Promise<void> {
  const { pins, go, apt, sumsHostPath, signal, onProgress } = options;
  const components = COMPONENTS.flatMap((name) =>
    pins.components[name].gomod.map((facts) => ({ name, facts, tests: {} })),
  );
  for (const { name, facts, tests } of [
    ...components,
    { name: 'critest', facts: pins.critest, tests: { tests: true as const } },
  ]) {
    for (const version of facts.pinned) {
      const file = join(sumsHostPath, `${name}.sum`);
      const held = await readFile(file, 'utf8').catch(() => '');
      if (held.includes(`${facts.module} v${version} h1:`)) continue;
      onProgress(`${name} ${version}: building, to see what it needs`);
      const folder = await mkdtemp(join(tmpdir(), 'cnilab-sums-'));
      const [tree, scratchHostPath] = [join(folder, 'tree'), join(folder, 'scratch')];
      try {
        await mkdir(tree);
        await mkdir(scratchHostPath);
        const job = { signal, scratchHostPath, progress: () => undefined };
        const { library } = facts;
        const build = {
          go,
          facts,
          version,
          standInsHostPath: sumsHostPath,
          ...tests,
          ...(library === undefined ? {} : { library: (its: Job) => unpackLibrary(apt, library, its) }),
        };
        const built = await buildModule(build, tree, job);
        if (!built.ok) throw new LabError(`${name} ${version}: ${built.error.why}`);
        const lines = new Set(
          [...held.split('\n'), ...built.value.sums.split('\n')].filter((line) => line !== ''),
        );
        await writeFile(file, `${[...lines].sort().join('\n')}\n`);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  }
}

/** A C library that a program is statically linked with, so that it runs on any node. */
export interface StaticLibrary {
  /**
   * Environment variables that show go, and gcc below it, where the library is. Flags are not used: flags of an earlier
   * build, with its directory, would come back from the build cache of Go.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** the packages, for the journal */
  readonly madeFrom: string;
}

/**
 * Unpacks the library package of the release of this host, without installing it. An installed library is used
 * directly.
 */
export async function unpackLibrary(
  apt: Pick<Apt, 'hostRelease' | 'missingFor' | 'unpack'>,
  { package: packageName, name }: { readonly package: string; readonly name: string },
  { signal, scratchHostPath, progress }: Job,
): Promise<Result<StaticLibrary, Refusal>> {
  const refused = (refusal: Refusal) =>
    err({ ...refusal, source: 'gomod' as const, why: `${packageName}: ${refusal.why}` });
  const { codename } = await apt.hostRelease();
  const missing = await apt.missingFor(packageName, codename, signal);
  if (!missing.ok) return refused(missing.error);
  const treeHostPath = join(scratchHostPath, 'library');
  progress(`downloading ${packageName}`);
  const unpacked = await apt.unpack(missing.value, { treeHostPath, scratchHostPath, signal });
  if (!unpacked.ok) return refused(unpacked.error);

  const files = await readdir(treeHostPath, { recursive: true }).catch(() => []);
  const archive = files.find((path) => path.endsWith(`/lib${name}.a`));
  const pkgConfigHostPath = join(scratchHostPath, 'pkg-config');
  const script = `#!/bin/sh\ncase "$1" in --libs) echo '-l${name}' ;; esac\n`;
  await writeFile(pkgConfigHostPath, script, { mode: 0o755 });
  const environment = {
    PKG_CONFIG: pkgConfigHostPath,
    ...(archive === undefined
      ? {}
      : {
          LIBRARY_PATH: dirname(join(treeHostPath, archive)),
          C_INCLUDE_PATH: join(treeHostPath, 'usr/include'),
        }),
  };
  const versions = missing.value.map((one) => `${one.name}=${one.version}`).join(' ');
  return ok({ environment, madeFrom: versions === '' ? `this host's ${packageName}` : versions });
}
