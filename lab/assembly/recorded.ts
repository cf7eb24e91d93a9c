import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';

import { BadInput, LabError, messageOf, type Result } from '../core/lab-error.ts';
import { isFolder } from '../host/machine.ts';
import type { RunEnded } from '../events.ts';
import { judge } from '../judge/judge.ts';
import { parseJournal } from '../observe/journal.ts';
import type { JournalEntry } from '../observe/observation.ts';
import { compareRuns, createSlugs } from '../plan/cells.ts';
import { parsePlan } from '../plan/parse-plan.ts';
import { headOf, type RunHead, type RunPlan } from '../plan/plan.ts';
import type { Doubt } from '../plan/whole.ts';
import { attemptHostPath, decideAttempts } from '../report/attempts.ts';
import { RUNTIMES } from './runtimes.ts';

/** A recorded run on disk: everything that a verdict needs. */
export interface Recorded {
  readonly run: RunPlan;
  readonly entries: readonly JournalEntry[];
  readonly hostPath: string;
}

/**
 * The run that is recorded in a folder, or the runs below it. Throws BadInput if there is none, or if one is damaged.
 */
export const readRecorded = (hostPath: string): readonly Recorded[] =>
  runFolders(hostPath)
    .map((folder) => {
      if (folder.unreadable !== undefined) throw new BadInput(folder.unreadable);
      return readRun(folder.hostPath);
    })
    .sort((a, b) => compareRuns(a.run, b.run));

/** A recorded run that is not read completely yet. */
export interface FoundRun {
  readonly hostPath: string;
  /** its slug is unique among all runs that were found together */
  readonly head: RunHead;
  /** the slug in its plan; several runs may have the same */
  readonly slug: string;
  /** of its plan.json, if that is readable */
  readonly planSha256?: string;
  /** why its plan cannot be read; the run is then inconclusive and has the name of its folder */
  readonly damage?: string;
}

/**
 * Every run that is recorded in these folders or below them, each once, in the order of reports. Only the head of each
 * is kept, because there may be 100,000. Throws BadInput if a path is not a folder, or a folder contains no run.
 */
export function findRuns(hostPaths: readonly string[]): readonly FoundRun[] {
  const shared = createShared();
  const slugOf = createSlugs();
  const folders = new Map<string, RunFolder>();
  for (const hostPath of hostPaths)
    for (const folder of runFolders(hostPath))
      folders.set(realpathSync(hostPath) + folder.hostPath.slice(hostPath.length), folder);
  return [...folders.values()]
    .map((folder): FoundRun => {
      const { hostPath } = folder;
      try {
        if (folder.unreadable !== undefined) throw new LabError(folder.unreadable);
        const { run, planSha256 } = readPlan(hostPath);
        return { hostPath, head: shared(headOf(run)), slug: run.slug, planSha256 };
      } catch (thrown) {
        const head = headOf(unknownRun(hostPath));
        return { hostPath, head, slug: head.slug, damage: messageOf(thrown) };
      }
    })
    .sort((a, b) => compareRuns(a.head, b.head))
    .map((found) => ({ ...found, head: { ...found.head, slug: slugOf([found.head.slug]) } }));
}

/**
 * Reads a recorded run completely, with all of its attempts, and judges it. If it cannot be read, it is inconclusive
 * with the reason as its only finding. It is never left out of a report.
 */
export function judgeFound(found: FoundRun): RunEnded {
  const retries = attemptsIn(found.hostPath).map((hostPath) => judgeOne({ ...found, hostPath }));
  return decideAttempts([judgeOne(found), ...retries]);
}

/** The folders with the further attempts at the run in this folder, in order. */
function attemptsIn(runHostPath: string): readonly string[] {
  const attempts: string[] = [];
  for (let number = 2; isFolder(attemptHostPath(runHostPath, number)); number += 1)
    attempts.push(attemptHostPath(runHostPath, number));
  return attempts;
}

function judgeOne({ hostPath, head, damage }: FoundRun): RunEnded {
  const unknown = (run: RunPlan, message: string): RunEnded => ({
    kind: 'run-ended',
    run: { ...run, slug: head.slug },
    verdict: {
      outcome: 'inconclusive',
      findings: [{ check: 'ran', outcome: 'inconclusive', stepId: 'start', message }],
    },
    entries: [],
    durationMs: 0,
    outputHostPath: hostPath,
  });
  if (damage !== undefined) return unknown({ ...unknownRun(hostPath), ...head, nodes: [] }, damage);
  let run = unknownRun(hostPath);
  try {
    const { slug, scenario, cell } = head;
    run = { ...readPlan(hostPath).run, slug, scenario, cell };
    const entries = readJournal(hostPath);
    const verdict = judge(run, entries, RUNTIMES);
    const durationMs = entries.at(-1)?.atMs ?? 0;
    return { kind: 'run-ended', run, verdict, entries, durationMs, outputHostPath: hostPath };
  } catch (thrown) {
    const isKnown = thrown instanceof BadInput;
    // something else wrote it, so it may have damage that the judge does not expect; the other runs must still be
    // judged
    return unknown(run, isKnown ? messageOf(thrown) : `it cannot be judged: ${messageOf(thrown)}`);
  }
}

/** A problem that makes a report inconclusive, in the form of a run, so that every reporter shows it. */
export function asRun({ about, message }: Doubt, hostPath: string): FoundRun {
  const head = headOf(unknownRun(hostPath, about, hostPath));
  return { hostPath, head, slug: head.slug, damage: message };
}

/** Replaces a run whose plan cannot be read. Only its folder is known. */
function unknownRun(
  hostPath: string,
  name = basename(hostPath),
  file = join(hostPath, 'plan.json'),
): RunPlan {
  return {
    title: name,
    slug: name,
    scenario: { name, summary: '', place: { file, line: 1, column: 1 } },
    cell: {},
    nodes: [],
    pods: [],
    steps: [],
  };
}

/** Makes the cells of one scenario share the data that is the same in all of them, to save memory. */
export function createShared(): <Head extends RunHead>(head: Head) => Head {
  const known = new Map<string, unknown>();
  const once = <T>(value: T): T => {
    const key = JSON.stringify(value);
    if (!known.has(key)) known.set(key, value);
    return known.get(key) as T;
  };
  return (head) => ({
    ...head,
    scenario: once(head.scenario),
    cell: once(head.cell),
    nodes: once(head.nodes),
  });
}

interface RunFolder {
  readonly hostPath: string;
  /** why its content is unknown */
  readonly unreadable?: string;
}

/** The folder itself if it contains a run, or else those below it. Links in it are followed. */
function runFolders(hostPath: string): readonly RunFolder[] {
  if (!isFolder(hostPath)) throw new BadInput(`${hostPath} is not a folder, so no run is recorded in it`);
  const runs = below(hostPath);
  if (runs.length === 0 && !hasSession(hostPath))
    throw new BadInput(`no run is recorded in ${hostPath}: it has no journal.jsonl`);
  return runs;
}

/** Whether a session is recorded in a folder or below it: one that has nothing to run, or that ended before its first run. */
const hasSession = (hostPath: string): boolean =>
  existsSync(join(hostPath, 'session.json')) || foldersIn(hostPath).some(hasSession);

/**
 * The folders in a folder; links are none. `latest` is left out if it is a copy of a session beside it, because a
 * program that follows links has made it: the upload of an artifact, or scp.
 */
export function foldersIn(hostPath: string): readonly string[] {
  const folders = readdirSync(hostPath, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(hostPath, name));
  const latest = join(hostPath, 'latest');
  const record = folders.includes(latest) ? sessionText(latest) : undefined;
  const isCopy = record !== undefined && folders.some((one) => one !== latest && sessionText(one) === record);
  return isCopy ? folders.filter((one) => one !== latest) : folders;
}

function sessionText(hostPath: string): string | undefined {
  try {
    return readFileSync(join(hostPath, 'session.json'), 'utf8');
  } catch {
    return undefined; // it is no session
  }
}

const OF_A_RUN = ['journal.jsonl', 'plan.json', 'verdict.json'];

function below(hostPath: string): readonly RunFolder[] {
  if (OF_A_RUN.some((file) => existsSync(join(hostPath, file)))) return [{ hostPath }];
  try {
    return foldersIn(hostPath).flatMap(below);
  } catch (thrown) {
    return [{ hostPath, unreadable: `${hostPath} cannot be read: ${messageOf(thrown)}` }];
  }
}

const readRun = (hostPath: string): Recorded => ({
  run: readPlan(hostPath).run,
  entries: readJournal(hostPath),
  hostPath,
});

function readPlan(hostPath: string): { readonly run: RunPlan; readonly planSha256: string } {
  let planSha256 = '';
  const plan = readAs(
    (text) => {
      planSha256 = createHash('sha256').update(text).digest('hex');
      return parsePlan(text);
    },
    join(hostPath, 'plan.json'),
  );
  const run = plan.runs[0];
  if (run === undefined) throw new BadInput(`${hostPath}/plan.json holds no run`);
  return { run, planSha256 };
}

const readJournal = (hostPath: string): readonly JournalEntry[] =>
  readAs(parseJournal, join(hostPath, 'journal.jsonl'));

function readAs<T>(parse: (text: string) => Result<T, string>, file: string): T {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new BadInput(`${file} cannot be read`, { cause });
  }
  const parsed = parse(text);
  if (!parsed.ok) throw new BadInput(`${file} cannot be judged: ${parsed.error}`);
  return parsed.value;
}
