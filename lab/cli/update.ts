import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';

import { createTwoFilesPatch } from 'diff';
import picocolors from 'picocolors';

import { BadInput, LabError, messageOf } from '../core/lab-error.ts';
import { shown } from '../core/content.ts';
import { judge } from '../judge/judge.ts';

import { readPins } from '../assembly/open-artifacts.ts';
import { findScenarios, type ScenarioFile } from '../assembly/find-scenarios.ts';
import { mistakesFound, planOf, readScenario } from '../assembly/plan-files.ts';
import { readRecorded } from '../assembly/recorded.ts';
import { RUNTIMES } from '../assembly/runtimes.ts';
import type { RunFlags, World } from '../assembly/world.ts';
import type { RunPlan } from '../plan/plan.ts';
import { formatPlace } from '../report/reporter.ts';
import type { Scenario } from '../spec/scenario.ts';
import { unsteadyTexts } from '../update/measured.ts';
import { expectsNothing, updateScenario, type RecordedCell } from '../update/update-scenario.ts';
import { EXIT } from './exit-codes.ts';
import { runRecorded } from './run.ts';

/** The changed files are run at most this often. A value that still differs is different each time. */
const ROUNDS = 3;

/** A file on disk, and its new text. */
interface Draft {
  readonly found: ScenarioFile;
  readonly scenario: Scenario;
  /** texts that are different each time */
  readonly unsteady: ReadonlySet<string>;
}

/**
 * `cnilab run --update`: writes the measured results into the files in place of failed expectations. First the new
 * files are run, and must hold. The difference is shown before it is written. A file with an inconclusive run is not
 * changed.
 */
export async function updateCommand(
  world: World,
  names: readonly string[],
  flags: RunFlags,
): Promise<number> {
  checkFlags(flags);
  const files = await findScenarios(names, world);
  const first = await runRecorded(world, names, flags);
  if (first.outputHostPath === undefined || first.exitCode >= EXIT.bug) return first.exitCode;
  let recorded: readonly RecordedCell[] = readRecorded(first.outputHostPath);
  let drafts = files.map(asDraft).filter(({ scenario }) => scenario.control === undefined);
  const given = new Map<string, string>();
  for (let round = 1; ; round += 1) {
    const changed: Draft[] = [];
    for (const draft of drafts) {
      const next = await updated(world, draft, { recorded, flags });
      if (typeof next === 'string') given.set(draft.scenario.name, next);
      else if (next.scenario.text !== draft.scenario.text) changed.push(next);
    }
    drafts = drafts.flatMap((draft) => {
      if (given.has(draft.scenario.name)) return [];
      return [changed.find(({ found }) => found === draft.found) ?? draft];
    });
    if (changed.length === 0) break;
    if (round === ROUNDS) {
      for (const { scenario } of changed) given.set(scenario.name, 'what it shows differs from run to run');
      drafts = drafts.filter(({ scenario }) => !given.has(scenario.name));
      break;
    }
    world.out.write(`running ${changed.map(({ scenario }) => scenario.place.file).join(', ')} as changed\n`);
    const again = await runRecorded(world, names, flags, {
      plan: () => planDrafts(world, { drafts: changed, flags }),
      reporters: [],
    });
    if (again.outputHostPath === undefined || again.exitCode >= EXIT.bug) return again.exitCode;
    recorded = readRecorded(again.outputHostPath);
  }
  for (const [name, why] of given) world.err.write(`cnilab: ${name} stays as it is: ${why}\n`);
  const differing = drafts.filter(({ found, scenario }) => scenario.text !== textOf(found));
  if (differing.length === 0) {
    if (given.size === 0) world.out.write('every expectation holds; nothing to update\n');
    return given.size === 0 ? EXIT.pass : first.exitCode;
  }
  for (const draft of differing) showDifference(world, draft);
  if (!(await mayWrite(world, { differing, flags }))) {
    world.out.write('nothing was written\n');
    return first.exitCode;
  }
  for (const draft of differing) write(draft);
  world.out.write(`written: ${differing.map(({ found }) => found.file).join(', ')}\n`);
  return given.size === 0 ? EXIT.pass : first.exitCode;
}

function checkFlags(flags: RunFlags): void {
  const { containerd, crio, runc, cniPlugins, crictl, kubernetes, timeout, keep, shard } = flags;
  const others = Object.entries({
    ...{ containerd, crio, runc, 'cni-plugins': cniPlugins, crictl, kubernetes, timeout, keep, shard },
    ...{ repeat: flags.repeat, retries: flags.retries, grep: flags.grep, 'grep-invert': flags.grepInvert },
    ...{ 'last-failed': flags.lastFailed, 'only-changed': flags.onlyChanged },
    ...{ bail: flags.bail, 'max-failures': flags.maxFailures, watch: flags.watch },
  });
  const [other] = others.find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined)
    throw new BadInput(`--update measures what the files say, so it goes without --${other}`);
}

const textOf = ({ bytes }: ScenarioFile): string => Buffer.from(bytes).toString('utf8');

/** Mistakes in the file were already found by the previous run. */
function asDraft(found: ScenarioFile): Draft {
  const scenario = readScenario(found);
  if (!scenario.ok) throw mistakesFound(scenario.error);
  return { found, scenario: scenario.value, unsteady: new Set() };
}

const withText = ({ found }: Draft, text: string): Draft =>
  ({ ...asDraft({ ...found, bytes: Buffer.from(text) }), found }) satisfies Draft;

/**
 * The draft with the measured results, the unchanged draft if everything held, or the reason why it cannot be changed.
 */
async function updated(
  world: World,
  draft: Draft,
  { recorded, flags }: { readonly recorded: readonly RecordedCell[]; readonly flags: RunFlags },
): Promise<Draft | string> {
  const own = recorded.filter(({ run }) => run.scenario.name === draft.scenario.name);
  if (own.length === 0) return draft; // everything held in the previous round
  const verdicts = own.map(({ run, entries }) => ({ run, verdict: judge(run, entries, RUNTIMES) }));
  const unknown = verdicts.find(({ verdict }) =>
    verdict.findings.some(({ outcome }) => outcome === 'inconclusive'),
  );
  if (unknown !== undefined) return `${unknown.run.title} is inconclusive`;
  const isFirst = draft.scenario.text === textOf(draft.found);
  const original = asDraft(draft.found);
  const withoutExpectations = expectsNothing(original.scenario);
  if (withoutExpectations && !isFirst && verdicts.every(({ verdict }) => verdict.outcome === 'pass'))
    return draft;
  const from = withoutExpectations ? original : draft;
  const seen =
    withoutExpectations && !isFirst ? verdicts.flatMap(({ verdict }) => unsteadyTexts(verdict)) : [];
  const unsteady = new Set([...draft.unsteady, ...seen]);
  const planned = await plannedRuns(world, { drafts: [from], flags: { ...flags, set: [] } });
  if (withoutExpectations && planned.length > own.length)
    return 'it expects nothing yet, so all its cells are to be measured: leave --set out';
  const bySlug = new Map(planned.map((run) => [run.slug, run]));
  try {
    const { text, refused } = updateScenario(from.scenario, {
      planned,
      recorded: own.map(({ run, entries }) => ({ run: bySlug.get(run.slug) ?? run, entries })),
      runtimes: RUNTIMES,
      unsteady,
    });
    const [first] = refused;
    if (first !== undefined) {
      const { run, finding } = first;
      const place = finding.place === undefined ? '' : ` (${formatPlace(finding.place)})`;
      return `in ${run.title}, no expectation can say this: ${finding.stepId}: ${finding.message}${place}`;
    }
    if (text === draft.scenario.text) return draft;
    const next = { ...withText(draft, text), unsteady };
    await plannedRuns(world, { drafts: [next], flags }); // finds mistakes in it
    return next;
  } catch (thrown) {
    if (!(thrown instanceof LabError) && !(thrown instanceof BadInput)) throw thrown;
    return messageOf(thrown);
  }
}

const planDrafts = (
  world: World,
  { drafts, flags }: { readonly drafts: readonly Draft[]; readonly flags: RunFlags },
) => planOf(world, { scenarios: drafts.map(({ scenario }) => scenario), flags, pins: readPins(world) });

const plannedRuns = async (
  world: World,
  options: { readonly drafts: readonly Draft[]; readonly flags: RunFlags },
): Promise<readonly RunPlan[]> => (await planDrafts(world, options)).runs;

function showDifference(world: World, { found, scenario }: Draft): void {
  const colors = picocolors.createColors(world.out.color);
  const patch = createTwoFilesPatch(found.file, found.file, textOf(found), scenario.text, '', '', {
    context: 3,
  });
  for (const line of patch.split('\n').slice(2, -1)) {
    const paint = line.startsWith('+') ? colors.green : line.startsWith('-') ? colors.red : String;
    world.out.draw(`${paint(shown(line))}\n`);
  }
}

/** Asks the user on a terminal. Elsewhere `--yes` is required. */
async function mayWrite(
  world: World,
  { differing, flags }: { readonly differing: readonly Draft[]; readonly flags: RunFlags },
): Promise<boolean> {
  if (flags.yes === true) return true;
  const { input, output } = world.terminal;
  if (!world.out.isTerminal || input.isTTY !== true) {
    world.out.write('this is no terminal to ask on; --yes writes without asking\n');
    return false;
  }
  const asked = createInterface({ input, output });
  try {
    const what =
      differing.length === 1 ? (differing[0]?.found.file ?? '') : `these ${differing.length} files`;
    return /^y(?:es)?$/i.test((await asked.question(`write this to ${what}? [y/N] `)).trim());
  } finally {
    asked.close();
  }
}

function write({ found, scenario }: Draft): void {
  if (!readFileSync(found.hostPath).equals(Buffer.from(found.bytes)))
    throw new BadInput(`${found.hostPath} was changed meanwhile, and was not written`);
  writeFileSync(found.hostPath, scenario.text);
}
