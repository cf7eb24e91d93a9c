import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { readScenario } from '../../lab/assembly/plan-files.ts';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import { planScenarios } from '../../lab/plan/plan-scenarios.ts';
import { versionFacts } from '../../lab/plan/resolve-component.ts';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { updateScenario } from '../../lab/update/update-scenario.ts';
import { judge } from '../rig/judged.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { cnilab, ROOT, type Finished } from '../rig/cnilab.ts';
import { RELEASE_FLAGS, WITHOUT_RARE_RELEASES } from '../rig/rare-releases.ts';
import { mutantsOf, withoutEntries, withoutLooks } from '../rig/mutants.ts';
import { withoutEachKind } from '../rig/shorter-journals.ts';
import {
  recordedRuns,
  slugsIn,
  tryMutants,
  withoutControls,
  type Recorded,
} from '../rig/recorded-session.ts';
import { scratchFolder } from '../rig/scratch.ts';

const output = scratchFolder();
let ran: Finished;
let session: string;

beforeAll(async () => {
  ran = await cnilab(['run', '--all', '--output', output, ...RELEASE_FLAGS]);
  session = join(output, 'latest');
});

let parsed: readonly Recorded[] | undefined;
const recorded = (): readonly Recorded[] => (parsed ??= recordedRuns(session));
const shipped = (): readonly Recorded[] => withoutControls(recorded());
function planOfText(file: string, text: string) {
  const found = { file, hostPath: join(ROOT, file), bytes: Buffer.from(text) };
  const scenario = readScenario(found);
  if (!scenario.ok) throw new Error(`${file}: ${scenario.error.map(formatDiagnostic).join('\n')}\n${text}`);
  const plan = planScenarios([scenario.value], {
    facts: versionFacts(readPins({ packageHostPath: ROOT }), {}),
    cwd: ROOT,
  });
  if (!plan.ok) throw new Error(`${file}: ${plan.error.map(formatDiagnostic).join('\n')}\n${text}`);
  return { scenario: scenario.value, runs: plan.value.runs };
}
const verdictOf = (hostPath: string): unknown =>
  JSON.parse(readFileSync(join(hostPath, 'verdict.json'), 'utf8'));

test('every shipped scenario and every control has its expected outcome', () => {
  expect(ran.stderr).toBe('');
  expect(ran.stdout.split('\n').filter((line) => /^(?:fail|inconclusive) /.test(line))).toEqual([]);
  expect(ran.exitCode).toBe(0);
  const files = readdirSync(join(ROOT, 'scenarios'), { recursive: true, encoding: 'utf8' });
  expect([...new Set(recorded().map(({ run }) => `${run.scenario.name}.yaml`))].sort()).toEqual(
    files
      .filter((file) => file.endsWith('.yaml') && !file.startsWith('kubernetes/')) // those are run by test/long
      .map((file) => basename(file))
      .sort(),
  );
});

test('every control fails by the check that it names', () => {
  const controls = recorded().filter(({ run }) => run.control !== undefined);
  const rung = controls.map(({ run, entries }) => {
    const last = judge(run, entries).findings.at(-1);
    return `${run.scenario.name}: ${last?.outcome} ${last?.check} ${last?.message}`;
  });
  expect(rung).toEqual(
    controls.map(
      ({ run }) =>
        `${run.scenario.name}: pass control ${run.control?.outcome} by ${run.control?.finding} of ${whereOf(run.control)}, as it must`,
    ),
  );
});

const whereOf = (control: RunPlan['control']): string =>
  `${control?.step}${control?.on === undefined ? '' : ` on ${control.on}`}`;

test('a second judgement of each recorded run gives the recorded findings', async () => {
  const again = await cnilab(['report', session, '--reporter', 'json']);
  expect(again.exitCode).toBe(0);
  const { runs } = JSON.parse(again.stdout) as {
    runs: { slug: string; outcome: string; findings: unknown }[];
  };
  const judged = runs.map(({ slug, outcome, findings }) => [slug, { outcome, findings }] as const);
  expect(Object.fromEntries(judged)).toEqual(
    Object.fromEntries(slugsIn(session).map((slug) => [slug, verdictOf(join(session, slug))])),
  );
});

test('any change to an expectation is a failure of its own check', () => {
  const { unnoticed, checks } = tryMutants(shipped());
  expect(unnoticed).toEqual([]);
  expect(checks).toEqual([
    'call-order',
    'calls',
    'container',
    'error',
    'exit-code',
    'left-behind',
    'log',
    'netns',
    'network-ready',
    'no-calls',
    'ok',
    'output',
    'pod',
    'runtime',
    'timed-out',
  ]);
});

/** Replaces the texts, counts and states of a file: the quoted text after these keys, and each number of a kind. */
const withGuesses = (text: string): string =>
  text
    .replaceAll(/^(?!#)(.*\b(?:error|output): ')([^'$]{3})/gm, '$1~$2')
    .replaceAll(/^(?!#)(.*\b(?:error|output): )(?=[a-z])/gm, '$1other')
    .replaceAll(/\b(netns|veth|ipam|iptables|sandbox): (\d+)/g, (_, kind, n) => `${kind}: ${Number(n) + 1}`)
    .replaceAll(/\bstate: not-ready/g, 'state: absent')
    .replaceAll(/\bips: 1/g, 'ips: 2')
    .replaceAll(/\b(exit-code|times|restarts): (\d+)/g, (_, key, n) => `${key}: ${Number(n) + 1}`)
    .replaceAll(/\b(container: \{ .*reason: )(?=\w)/g, '$1other')
    .replaceAll(/\bstate: running/g, 'state: created')
    .replaceAll(/\b(network-ready: .*message: ')([^'$]{3})/g, '$1~$2')
    .replaceAll(/^((?!.*wait-for).*\bnetwork-ready: )true/gm, '$1false')
    .replaceAll(/\bcall-order: \[(.*?)\]/g, (_, calls: string) => `call-order: [${reversed(calls)}]`)
    .replaceAll(/\bno-calls: (?:\[.*?\]|\{[^}]*\}|\w+ [A-Z]+)/g, 'no-calls: { no-env: CNI_NOTHING }'); // which matches any call

const reversed = (list: string): string => list.split(', ').toReversed().join(', ');

test('wrong expectations in a file are replaced with those that hold, and a correct file stays as it is', () => {
  const entriesBySlug = new Map(shipped().map(({ run, entries }) => [run.slug, entries]));
  const entriesOf = ({ slug }: RunPlan): readonly JournalEntry[] => entriesBySlug.get(slug) ?? [];
  const update = ({ scenario, runs }: ReturnType<typeof planOfText>) => {
    const planned = runs.filter(({ slug }) => entriesBySlug.has(slug));
    return updateScenario(scenario, {
      planned,
      recorded: planned.map((run) => ({ run, entries: entriesOf(run) })),
      runtimes: RUNTIMES,
    });
  };
  const wrong: string[] = [];
  let guesses = 0;
  for (const file of new Set(shipped().map(({ run }) => run.scenario.place.file))) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    if (update(planOfText(file, text)).text !== text) wrong.push(`${file} was changed though it held`);
    const guessed = withGuesses(text);
    if (guessed === text) continue;
    guesses += 1;
    const updated = update(planOfText(file, guessed));
    const failing = planOfText(file, updated.text).runs.filter(
      (run) => entriesBySlug.has(run.slug) && judge(run, entriesOf(run)).outcome !== 'pass',
    );
    if (failing.length > 0) wrong.push(`${file}: ${failing.map(({ title }) => title).join(', ')}`);
    for (const { run, finding } of updated.refused) wrong.push(`${run.title}: ${finding.message}`);
  }
  expect(wrong).toEqual([]);
  expect(guesses).toBeGreaterThan(3);
});

test('every judged step and end has expectations that can be changed', () => {
  const unheld = shipped().flatMap(({ run }) => {
    const changed = new Set(mutantsOf(run).map(({ stepId }) => stepId));
    return [
      ...run.steps.map(({ id }) => id),
      ...(run.nodes.some(({ end }) => end !== undefined) ? ['end'] : []),
    ]
      .filter((stepId) => !changed.has(stepId))
      .map((stepId) => `${run.title} ${stepId}`);
  });
  expect(unheld).toEqual([]);
});

test('without its look, an expectation about a node is inconclusive', () => {
  const quiet: string[] = [];
  for (const { run, entries } of shipped()) {
    for (const mutant of withoutLooks(run, entries)) {
      const { outcome, findings } = judge(run, mutant.entries);
      const unknown = findings.filter(({ outcome: said }) => said === 'inconclusive');
      if (outcome !== 'inconclusive' || !unknown.some(({ check }) => mutant.checks.includes(check)))
        quiet.push(`${run.title}: ${mutant.change} is ${outcome}`);
    }
  }
  expect(quiet).toEqual([]);
});

test('a journal that breaks off anywhere never passes', () => {
  const passed = shipped().flatMap(({ run, entries }) =>
    entries
      .map((_, length) => ({ length, outcome: judge(run, entries.slice(0, length)).outcome }))
      .filter(({ outcome }) => outcome === 'pass')
      .map(({ length }) => `${run.title} after ${length} entries`),
  );
  expect(passed).toEqual([]);
});

test('a run whose journal lacks the entries of a step does not pass', () => {
  const passed = shipped().flatMap(({ run, entries }) =>
    run.steps
      .filter(({ id }) => judge(run, withoutEntries(entries, id)).outcome === 'pass')
      .map(({ id }) => `${run.title} ${id}`),
  );
  expect(passed).toEqual([]);
});

/** Kinds of entries that no expectation can depend on. */
const FOR_READERS_ALONE = ['every run-started', 'every usage', 'every netns'];

test('a run whose journal lacks any kind of entry does not pass, whatever its last entry is', () => {
  const passed = shipped().flatMap(({ run, entries }) =>
    withoutEachKind(entries)
      .filter((one) => !FOR_READERS_ALONE.includes(one.without))
      .filter((one) => judge(run, one.entries).outcome === 'pass')
      .map((one) => `${run.title} without ${one.without}`),
  );
  expect(passed).toEqual([]);
});

const testOfAllRuns = test.skipIf(WITHOUT_RARE_RELEASES);

testOfAllRuns(
  'docs/findings.md and the table in README match these runs; npm run findings writes them',
  async () => {
    const { exitCode, stdout, stderr } = await cnilab(['findings', session, '--check']);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  },
);

test('the command does not pass a journal without its commands', async () => {
  const copy = join(output, 'without-commands');
  cpSync(join(session, 'incompatible-version.containerd-1.6.3'), copy, { recursive: true });
  const journal = readFileSync(join(copy, 'journal.jsonl'), 'utf8').split('\n');
  writeFileSync(
    join(copy, 'journal.jsonl'),
    journal.filter((line) => !line.includes('"kind":"command"')).join('\n'),
  );
  expect((await cnilab(['judge', copy])).exitCode).toBe(69);
});

test('the command fails a run if one character of an exact error in plan.json is changed', async () => {
  const copy = join(output, 'changed');
  cpSync(join(session, 'incompatible-version.containerd-1.6.3'), copy, { recursive: true });
  const plan = readFileSync(join(copy, 'plan.json'), 'utf8');
  writeFileSync(
    join(copy, 'plan.json'),
    plan.replaceAll('incompatible CNI versions', 'incompatible CNI version'), // the plan also contains the text of the file
  );
  const again = await cnilab(['judge', copy]);
  expect(again.exitCode).toBe(1);
  expect(again.stdout).toContain('1-run-pod: error differs at character 164\n');
  expect(again.stdout).toContain(`at scenarios/incompatible-version.yaml:`);
});
