import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { BadInput, LabError } from '../core/lab-error.ts';
import { judge } from '../judge/judge.ts';
import type { RunPlan } from '../plan/plan.ts';
import { findingsPage, findingsTable, type Shown } from '../report/findings.ts';
import type { Scenario } from '../spec/scenario.ts';
import type { NodeFlags, World } from '../assembly/world.ts';
import { readPins } from '../assembly/open-artifacts.ts';
import { needsNoCluster, mistakesFound, planOf, readScenarios } from '../assembly/plan-files.ts';
import { readRecorded, type Recorded } from '../assembly/recorded.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
import { EXIT } from './exit-codes.ts';

const PAGE = 'docs/findings.md';
const README = 'README.md';
const TABLE = /(?<=<!-- findings: begin -->\n)[\s\S]*?(?=<!-- findings: end -->)/;

/**
 * `cnilab findings`: the results of recorded runs, as a page. `--write` writes it to docs/findings.md, and its table
 * into README.md if that has a place for it. `--check` exits with 1 if these are not up to date.
 */
export async function findingsCommand(
  world: World,
  folder: string | undefined,
  flags: { readonly write?: true; readonly check?: true },
): Promise<number> {
  const recorded = readRecorded(resolve(world.cwd, folder ?? '.cnilab/latest'));
  const shown = await shownBy(world, recorded);
  const page = findingsPage(shown);
  if (flags.write !== true && flags.check !== true) {
    world.out.write(page);
    return EXIT.pass;
  }
  const readme = readOr(join(world.cwd, README));
  const files = [
    [PAGE, page],
    ...(TABLE.test(readme) ? [[README, readme.replace(TABLE, () => findingsTable(shown))]] : []),
  ] as const;
  const stale = files.filter(([file = '', text]) => readOr(join(world.cwd, file)) !== text);
  for (const [file = '', text = ''] of flags.write === true ? stale : []) {
    writeFileSync(join(world.cwd, file), text);
    world.out.write(`written: ${file}\n`);
  }
  if (flags.write === true || stale.length === 0) return EXIT.pass;
  const names = stale.map(([file = '']) => file).join(' and ');
  world.out.write(`${names} is not what these runs have shown; \`cnilab findings --write\` writes it\n`);
  return EXIT.fail;
}

const readOr = (hostPath: string): string => (existsSync(hostPath) ? readFileSync(hostPath, 'utf8') : '');

/**
 * The scenarios below the working directory that are not controls. Each must have a recorded run that passed for every
 * cell.
 */
async function shownBy(world: World, recorded: readonly Recorded[]): Promise<readonly Shown[]> {
  const { scenarios, mistakes } = await readScenarios(world, []);
  if (mistakes.length > 0) throw mistakesFound(mistakes);
  const flags: NodeFlags = { backend: 'auto' };
  const own = scenarios.filter((one) => one.control === undefined && needsNoCluster(one)).sort(inOrder);
  const plan = await planOf(world, { scenarios: own, flags, pins: readPins(world) });
  const bySlug = new Map(recorded.map((one) => [one.run.slug, one]));
  for (const run of plan.runs) checkRecorded(run, bySlug.get(run.slug));
  return own.map((scenario) => ({
    scenario,
    runs: plan.runs.filter((run) => run.scenario.name === scenario.name),
  }));
}

/** The top folder first, then the folders in it. */
function inOrder({ place: a }: Scenario, { place: b }: Scenario): number {
  const depth = ({ file }: Scenario['place']) => file.split('/').length;
  return depth(a) - depth(b) || (a.file < b.file ? -1 : 1);
}

/** Checks that the recorded run is of this cell and of the current file, and that it passed. */
function checkRecorded(run: RunPlan, recorded: Recorded | undefined): void {
  if (recorded === undefined)
    throw new BadInput(`${run.title} is not among the recorded runs; \`cnilab run --all\` runs all of them`);
  const { outcome } = judge(run, recorded.entries, RUNTIMES);
  if (outcome !== 'pass')
    throw new LabError(`the recorded run of ${run.title} is ${outcome}, judged by the file as it is now`);
}
