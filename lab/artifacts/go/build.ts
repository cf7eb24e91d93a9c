import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';

import * as v from 'valibot';

import { readJson } from '../../core/json.ts';
import { COMPONENTS } from '../../core/components.ts';
import { err, LabError, ok, type Result } from '../../core/lab-error.ts';
import type { GomodPins, Pins } from '../../plan/pins.ts';
import { type GoRun, type GoTool, refusalFromGo } from './tool.ts';
import { parseModuleFacts, wrapperGoMod } from './wrapper.ts';
import type { Job, Refusal } from '../artifact.ts';
import type { Apt } from '../apt/apt.ts';

/** One version of a Go module, and how its programs are built. */
export interface GoBuild {
  readonly go: GoTool;
  readonly facts: GomodPins;
  readonly version: string;
  /** The programs are those that `go test` makes of packages whose tests are a program of their own: critest. */
  readonly tests?: true;
  /** the content of a go.sum that must hold everything the build needs; without it Go's checksum database is asked */
  readonly heldSums?: string;
  /** the folder with the stand-ins that the pins name */
  readonly standInsHostPath?: string;
  /** Adds the programs that are not of Go, and says where each is from. */
  readonly besides?: (places: BesidesPlaces) => Promise<Result<readonly string[], Refusal>>;
  /** brings the library that the pins name; without it the build does without */
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
  /** Go's own checksum of the source, h1:… */
  readonly sum: string;
}

/** What `go mod download -json` prints. */
const DOWNLOADED = v.object({
  GoMod: v.optional(v.string()),
  Dir: v.optional(v.string()),
  Sum: v.optional(v.string()),
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
    Error: why,
  } = (exitCode === null ? undefined : readJson(DOWNLOADED, stdout)) ?? {};
  if (GoMod === undefined || Dir === undefined || Sum === undefined)
    return err(refusalFromGo(asked, why ?? stderr));
  return ok({ goModHostPath: GoMod, hostPath: Dir, sum: Sum });
}

/** Builds the module's programs into bin/ below `treeHostPath`, in a wrapper module; reproducible, see wrapperGoMod. */
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
    // beside a go.mod, so that they count for the component itself: not every version is in Go's checksum database
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
  await writeFile(
    join(wrapper, 'go.mod'),
    wrapperGoMod({
      module: facts.module,
      version,
      facts: parseModuleFacts(described.stdout),
      folderVersion: facts.folders === undefined ? undefined : withVersion(facts.folders, version),
      standIns: facts.standIns,
    }),
  );
  for (const folder of Object.values(facts.standIns ?? {}))
    await cp(join(build.standInsHostPath ?? '', folder), join(wrapper, folder), { recursive: true });
  if (heldSums !== undefined) await writeFile(join(wrapper, 'go.sum'), heldSums);

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
  const sums = await readFile(join(wrapper, 'go.sum'), 'utf8');
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
    madeBy: `${goVersion.stdout.trim()}: CGO_ENABLED=${facts.cgo ? 1 : 0} go ${[...verb, ...flags].join(' ')}${[...(library === undefined ? [] : [library.value.madeFrom]), ...(besides?.value ?? [])].map((one) => `, with ${one}`).join('')}`,
    ...(facts.library !== undefined && library === undefined
      ? { note: `without ${facts.library.name}` }
      : {}),
  });
}

function flagsOf(
  facts: GomodPins,
  { version, sum, library }: { version: string; sum: string; library: boolean },
): readonly string[] {
  const tags = [...facts.tags, ...(library ? (facts.library?.tags ?? []) : [])];
  const set = Object.entries(facts.set).map(
    ([variable, value]) => `-X ${variable}=${withVersion(value, version).replaceAll('{sum}', sum)}`,
  );
  return [
    '-trimpath',
    '-buildvcs=false',
    ...(tags.length > 0 ? ['-tags', tags.join(',')] : []),
    '-ldflags',
    ['-s', '-w', '-buildid=', ...(library ? ['-extldflags=-static'] : []), ...set].join(' '),
    ...facts.packages.map((path) => (path === '.' ? facts.module : `${facts.module}/${path}`)),
  ];
}

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
  /** brings libraries of C, as what a build with them needs is to be held too */
  readonly apt: Apt;
  /** folder with <component>.sum */
  readonly sumsHostPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/**
 * Brings images/gomod/<name>.sum up to the pinned versions of pins.yaml: each that it does not hold yet is built once
 * with Go's checksum database as the judge, and what that build needed is added. One file for all versions of a
 * component, because they share most of what they need.
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

/** A library of C that a program is linked with statically, so that it runs on any node. */
export interface StaticLibrary {
  /**
   * Tells go, and gcc below it, where the library is. Not by flags: those of an earlier build, with the folder of then, come
   * back out of Go's build cache.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** the packages, for the journal */
  readonly madeFrom: string;
}

/** Unpacks a library's package of this host's release, nothing of it is installed; one that is installed is taken as it is. */
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
