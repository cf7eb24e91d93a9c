import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import * as v from 'valibot';

import { readJson } from '../core/json.ts';
import { BadInput, LabError, messageOf } from '../core/lab-error.ts';
import { createExec } from '../host/exec.ts';
import type { Plan, RunHead, RunPlan } from '../plan/plan.ts';
import { repeatRuns, runKey, selectRuns, titlePattern } from '../plan/select-runs.ts';
import { parseListedRun, parseSessionRecord, type ListedRun } from '../plan/session-record.ts';
import { preparePlan, type FilesRead, type PrepareOptions } from './plan-files.ts';
import { findRuns } from './recorded.ts';
import { refsOf } from './run-parts.ts';
import type { NodeFlags, RunFlags, SelectFlags, World } from './world.ts';

export interface SelectOptions extends Omit<PrepareOptions, 'flags'> {
  /** `output` is the folder in which `lastFailed` finds the last session. */
  readonly flags: NodeFlags & SelectFlags & Partial<Pick<RunFlags, 'all' | 'output'>>;
}

/**
 * The plan with the runs that names and flags select. If `--last-failed` or `--only-changed` select nothing, it is
 * empty and `note` has the reason. Throws BadInput for mistakes, and if no title matches `--grep`.
 */
export async function selectPlan(world: World, options: SelectOptions): Promise<Plan> {
  const { flags, note } = options;
  const { lastFailed, onlyChanged, grep, grepInvert, repeat = 1 } = flags;
  const patterns = {
    ...(grep === undefined ? {} : { grep: titlePattern('--grep', grep) }),
    ...(grepInvert === undefined ? {} : { grepInvert: titlePattern('--grep-invert', grepInvert) }),
  };
  const failed = lastFailed === true ? notPassed(resolve(world.cwd, flags.output ?? '')) : undefined;
  if (failed?.runs.length === 0) {
    const why = failed.hadRuns
      ? `every run of the last session, ${failed.session}, passed`
      : `the last session, ${failed.session}, had no runs`;
    note(`${why}; nothing is run`);
    return { formatVersion: 3, runs: [] };
  }
  const changed = onlyChanged === undefined ? undefined : await changedSince(world, onlyChanged);

  let filesRead: FilesRead = new Map();
  const names =
    failed !== undefined && options.names.length === 0 && flags.all !== true
      ? [...new Set(failed.runs.map(({ scenario }) => scenario.place.file))]
      : options.names;
  const onRead = (read: FilesRead): void => {
    filesRead = read;
    options.onRead?.(read);
  };
  let plan = await preparePlan(world, { ...options, names, onRead });
  if (failed !== undefined) {
    plan = selectRuns(plan, { keys: new Set(failed.runs.map(runKey)) });
    if (plan.runs.length === 0)
      throw new BadInput(
        `none of the runs that did not pass in ${failed.session} is in the plan: repeat the versions and values of that session (${failed.runs[0]?.title})`,
      );
  }
  if (changed !== undefined) {
    plan = selectRuns(plan, { touched: (run) => touches(changed, filesOf(run, { world, filesRead })) });
    if (plan.runs.length === 0) {
      note(`no scenario has changed since ${onlyChanged}; nothing is run`);
      return plan;
    }
  }
  const before = plan.runs;
  plan = selectRuns(plan, patterns);
  if (plan.runs.length === 0 && before.length > 0)
    throw new BadInput(
      `no run is left by ${describePatterns(flags)}; a title is such as "${before[0]?.title}"`,
    );
  return repeatRuns(plan, repeat);
}

const describePatterns = ({ grep, grepInvert }: SelectFlags): string =>
  [
    ...(grep === undefined ? [] : [`--grep ${JSON.stringify(grep)}`]),
    ...(grepInvert === undefined ? [] : [`--grep-invert ${JSON.stringify(grepInvert)}`]),
  ].join(' and ');

/**
 * All files that are read from this host for a run: its scenario, what that includes and copies, and `local:`
 * components.
 */
export function filesOf(
  run: RunPlan,
  { world, filesRead }: { readonly world: Pick<World, 'cwd'>; readonly filesRead: FilesRead },
): readonly string[] {
  const scenario = resolve(world.cwd, run.scenario.place.file);
  const local = refsOf({ formatVersion: 3, runs: [run] }).flatMap((ref) =>
    ref.source === 'local' ? [ref.hostPath] : [],
  );
  return [...(filesRead.get(scenario) ?? [scenario]), ...local];
}

/**
 * Whether one of the changed files is one of these paths, or below one of them. A changed folder means that anything in
 * it may have changed.
 */
export const touches = (changed: ReadonlySet<string>, hostPaths: readonly string[]): boolean =>
  hostPaths.map(realPath).some((hostPath) => {
    if (changed.has(hostPath)) return true;
    return [...changed].some((one) => one.startsWith(`${hostPath}/`) || hostPath.startsWith(`${one}/`));
  });

/** The path with all links resolved, as git reports it. */
const realPath = (hostPath: string): string => {
  try {
    return realpathSync(hostPath);
  } catch {
    return hostPath; // it does not exist
  }
};

/** Files in the repository of the working directory that differ from a revision: committed, staged, changed or new. */
export async function changedSince(world: World, revision: string): Promise<ReadonlySet<string>> {
  const exec = createExec({ env: world.env });
  const git = async (cwd: string, ...args: readonly string[]): Promise<string | undefined> => {
    const { exitCode, stdout } = await exec(['git', ...args], { cwd });
    return exitCode === 0 ? stdout : undefined;
  };
  try {
    const root = (await git(world.cwd, 'rev-parse', '--show-toplevel'))?.replace(/\n$/, '');
    if (root === undefined)
      throw new BadInput(`--only-changed needs a git repository, and ${world.cwd} is in none`);
    const commit = (
      await git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`)
    )?.trim();
    if (commit === undefined)
      throw new BadInput(`--only-changed: ${JSON.stringify(revision)} is no revision of ${root}`);
    const differing = await git(root, 'diff', '--name-only', '--no-renames', '--no-ext-diff', '-z', commit);
    const untracked = await git(root, 'ls-files', '--others', '--exclude-standard', '-z');
    if (differing === undefined || untracked === undefined)
      throw new LabError(`git could not compare ${root} with ${revision}`);
    const paths = `${differing}${untracked}`.split('\0').filter((path) => path !== '');
    return new Set(paths.map((path) => join(root, path)));
  } catch (thrown) {
    if (thrown instanceof LabError) throw new BadInput(`--only-changed: ${messageOf(thrown)}`);
    throw thrown;
  }
}

const VERDICT = v.looseObject({ outcome: v.string() });

/**
 * The last session in an output folder, and its runs that did not pass or did not end. Throws BadInput if there is no
 * session, or if nobody can say what it was to run.
 */
export function notPassed(outputHostPath: string): {
  readonly session: string;
  /** false for a shard that no run was in */
  readonly hadRuns: boolean;
  readonly runs: readonly RunHead[];
} {
  const latest = join(outputHostPath, 'latest');
  if (!existsSync(latest))
    throw new BadInput(`--last-failed: there is no session in ${outputHostPath} yet; run without it first`);
  const session = realPath(latest);
  const planned = plannedIn(session);
  const isBegun = readdirSync(session, { withFileTypes: true }).some((entry) => entry.isDirectory());
  if (!isBegun && planned.length === 0) requireRecord(session);
  const recorded = isBegun || planned.length === 0 ? findRuns([session]) : [];
  const failed = recorded.filter(({ hostPath }) => !hasPassed(hostPath)).map(({ head }) => head);
  const known = new Set(recorded.map(({ head }) => head.title));
  return {
    session: basename(session),
    hadRuns: recorded.length + planned.length > 0,
    runs: [...failed, ...planned.filter(({ title }) => !known.has(title))],
  };
}

/** Without runs and without its record, a session says nothing of what it was to run. */
function requireRecord(session: string): void {
  const hostPath = join(session, 'session.json');
  const record = existsSync(hostPath) ? parseSessionRecord(readFileSync(hostPath, 'utf8')) : undefined;
  if (record?.ok === false)
    throw new BadInput(`--last-failed: ${hostPath} cannot be read: ${record.error}; run without it first`);
}

/** The runs that a session recorded as planned. Empty if it recorded none. */
function plannedIn(session: string): readonly ListedRun[] {
  const text = (name: string): string | undefined => {
    const hostPath = join(session, name);
    return existsSync(hostPath) ? readFileSync(hostPath, 'utf8') : undefined;
  };
  const record = parseSessionRecord(text('session.json') ?? '');
  const lines =
    text('runs.jsonl')
      ?.split('\n')
      .filter((line) => line !== '') ?? [];
  if (!record.ok) return [];
  return lines
    .map(parseListedRun)
    .flatMap((run) => (run.ok && run.value.shard === record.value.shard.index ? [run.value] : []));
}

/** Whether one attempt at a recorded run passed. */
function hasPassed(hostPath: string): boolean {
  const attempts = readdirSync(hostPath).filter((name) => name.startsWith('attempt-'));
  return ['.', ...attempts].some((folder) => {
    try {
      const text = readFileSync(join(hostPath, folder, 'verdict.json'), 'utf8');
      return readJson(VERDICT, text)?.outcome === 'pass';
    } catch {
      return false; // it has no verdict
    }
  });
}
