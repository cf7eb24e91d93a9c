import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import * as v from 'valibot';
import { readJson } from '../../core/machine-json.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { GomodPins } from '../../plan/pins.ts';
import type { GoRun, GoTool } from './tool.ts';
import { refusalFromGo } from './refusal.ts';
import { parseModuleFacts, wrapperGoMod } from './wrapper.ts';
import type { Job, Refusal } from '../recipe.ts';
import type { StaticLibrary } from './static-library.ts';

/** One version of a Go module, and how its programs are built. */
export interface GoBuild {
  readonly go: GoTool;
  readonly facts: GomodPins;
  readonly version: string;
  /** The programs are those that `go test` makes of packages whose tests are a program of their own: critest. */
  readonly tests?: true;
  /** the content of a go.sum that must hold everything the build needs; without it Go's checksum database is asked */
  readonly heldSums?: string;
  /** brings the library that the pins name; without it the build does without */
  readonly library?: (job: Job) => Promise<Result<StaticLibrary, Refusal>>;
}

export interface GoBuilt {
  readonly madeBy: string;
  readonly note?: string;
  /** everything that the build needed */
  readonly sums: string;
}

export interface GoModule {
  readonly goModHostPath: string;
  /** Go's own checksum of the source, h1:… */
  readonly sum: string;
}

/** What `go mod download -json` prints. */
const DOWNLOADED = v.object({
  GoMod: v.optional(v.string()),
  Sum: v.optional(v.string()),
  Error: v.optional(v.string()),
});

export async function downloadModule(
  { go, facts, version }: GoBuild,
  run: GoRun,
): Promise<Result<GoModule, Refusal>> {
  const asked = `${facts.module}@v${version}`;
  const { exitCode, stdout, stderr } = await go.run(['mod', 'download', '-json', asked], run);
  const { GoMod, Sum, Error: why } = (exitCode === null ? undefined : readJson(DOWNLOADED, stdout)) ?? {};
  if (GoMod === undefined || Sum === undefined) return err(refusalFromGo(asked, why ?? stderr));
  return ok({ goModHostPath: GoMod, sum: Sum });
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
  const module = await downloadModule(build, { ...run, cwd: scratchHostPath });
  if (!module.ok) return module;
  const described = await go.run(['mod', 'edit', '-json', module.value.goModHostPath], {
    ...run,
    cwd: scratchHostPath,
  });
  if (described.exitCode !== 0) return err(refusalFromGo(`${facts.module}@v${version}`, described.stderr));
  await writeFile(
    join(wrapper, 'go.mod'),
    wrapperGoMod(facts.module, version, parseModuleFacts(described.stdout)),
  );
  if (heldSums !== undefined) await writeFile(join(wrapper, 'go.sum'), heldSums);

  job.progress('building');
  const verb = build.tests === true ? ['test', '-c'] : ['build'];
  const flags = flagsOf(facts, { version, sum: module.value.sum, library: library !== undefined });
  const bin = join(treeHostPath, 'bin');
  await mkdir(bin);
  const built = await go.run([...verb, '-o', `${bin}/`, ...flags], { ...run, cwd: wrapper });
  if (built.exitCode !== 0)
    return err(refusalFromGo(`go build of ${facts.module}@v${version}`, built.stderr));
  const sums = await readFile(join(wrapper, 'go.sum'), 'utf8');
  const unheld = heldSums === undefined ? [] : linesNotIn(heldSums, sums);
  if (unheld.length > 0) {
    const why = `${facts.module}@v${version} needs modules that our go.sum does not hold: ${unheld.slice(0, 3).join(', ')}`;
    return err({ source: 'gomod', reason: 'broken', why });
  }
  const goVersion = await go.run(['env', 'GOVERSION'], run);
  return ok({
    sums,
    madeBy: `${goVersion.stdout.trim()}: CGO_ENABLED=${facts.cgo ? 1 : 0} go ${[...verb, ...flags].join(' ')}${library === undefined ? '' : `, with ${library.value.madeFrom}`}`,
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
    ([variable, value]) =>
      `-X ${variable}=${value.replaceAll('{version}', version).replaceAll('{sum}', sum)}`,
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

const linesNotIn = (held: string, needed: string): readonly string[] => {
  const known = new Set(held.split('\n'));
  return needed.split('\n').filter((line) => !known.has(line));
};
