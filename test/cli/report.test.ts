import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';

import { reportCommand } from '../../lab/cli/report.ts';
import { formatJournalEntry } from '../../lab/observe/journal.ts';
import { fakeWorld } from '../rig/fake-world.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { brokenOff, failing, passing, type RecordedCell } from '../rig/sessions.ts';

const folder = join(scratchFolder(), 'runs');
beforeEach(() => rmSync(folder, { recursive: true, force: true }));

/** A run as a session leaves it on disk. */
function recordIn(path: string, { run, entries }: RecordedCell): string {
  const hostPath = join(folder, path, run.slug);
  mkdirSync(hostPath, { recursive: true });
  writeFileSync(join(hostPath, 'plan.json'), JSON.stringify({ formatVersion: 3, runs: [run] }));
  writeFileSync(join(hostPath, 'journal.jsonl'), entries.map(formatJournalEntry).join(''));
  return hostPath;
}

async function report(...folders: readonly string[]) {
  return reportWith({}, folders);
}

async function reportWith(flags: { readonly failOnFlaky?: true }, folders: readonly string[]) {
  const world = fakeWorld({ cwd: folder });
  const exitCode = await reportCommand(world, folders, { reporter: ['json'], ...flags });
  const { outcome, totals, runs } = JSON.parse(world.written.out) as {
    outcome: string;
    totals: unknown;
    runs: { slug: string; outcome: string; findings: { message: string }[] }[];
  };
  return { exitCode, outcome, totals, runs };
}

test('runs of several sessions, at any depth, are one report in version order', async () => {
  recordIn('a/s1', passing('1.6.10'));
  recordIn('a/s1', passing('1.6.9'));
  recordIn('b/deep/er/s2', failing('1.6.10'));
  symlinkSync('s1', join(folder, 'a/latest'));
  const { exitCode, outcome, totals, runs } = await report('a', 'b', 'a/latest', 'a/s1');
  expect({ exitCode, outcome, totals, runs: runs.map((run) => [run.slug, run.outcome]) }).toEqual({
    exitCode: 1,
    outcome: 'fail',
    totals: { pass: 2, fail: 1, inconclusive: 0, flaky: 0, notRun: 0 },
    runs: [
      ['reserved-containerd-1.6.9', 'pass'],
      ['reserved-containerd-1.6.10', 'pass'],
      ['reserved-containerd-1.6.10-2', 'fail'],
    ],
  });
});

test('a flaky run passes, and fails if requested', async () => {
  const run = recordIn('s1', failing('1.6.4'));
  const second = passing('1.6.4');
  mkdirSync(join(run, 'attempt-2'));
  writeFileSync(join(run, 'attempt-2/plan.json'), JSON.stringify({ formatVersion: 3, runs: [second.run] }));
  writeFileSync(join(run, 'attempt-2/journal.jsonl'), second.entries.map(formatJournalEntry).join(''));
  const totals = { pass: 1, fail: 0, inconclusive: 0, flaky: 1, notRun: 0 };
  expect(await report('s1')).toMatchObject({ exitCode: 0, outcome: 'pass', totals });
  expect(await reportWith({ failOnFlaky: true }, ['s1'])).toMatchObject({
    exitCode: 1,
    outcome: 'fail',
    totals,
  });
});

test('a run that broke off is inconclusive', async () => {
  recordIn('s1', brokenOff('1.6.4'));
  expect(await report('s1')).toMatchObject({ exitCode: 69, outcome: 'inconclusive' });
});

describe('a damaged run is inconclusive, with the reason, and the others are still judged', () => {
  test.each([
    ['no plan', (run: string) => rmSync(join(run, 'plan.json')), 'plan.json cannot be read: ENOENT'],
    [
      'no journal',
      (run: string) => rmSync(join(run, 'journal.jsonl')),
      'journal.jsonl cannot be read: ENOENT',
    ],
    [
      'half a plan',
      (run: string) => writeFileSync(join(run, 'plan.json'), '{'),
      'plan.json cannot be judged: this is not JSON',
    ],
    [
      'a journal of something else',
      (run: string) => writeFileSync(join(run, 'journal.jsonl'), 'what is this\n'),
      'journal.jsonl cannot be judged: line 1 is not JSON',
    ],
    [
      'a plan whose inside is not what the judge relies on',
      (run: string) => {
        const { run: plan } = passing('1.6.4');
        const steps = plan.steps.map((step) => ({ ...step, expect: { ...step.expect, error: 7 } }));
        const damaged = { formatVersion: 3, runs: [{ ...plan, steps }] };
        writeFileSync(join(run, 'plan.json'), JSON.stringify(damaged));
      },
      'it cannot be judged: ',
    ],
  ])('%s', async (_, damage, why) => {
    recordIn('s1', passing('1.6.3'));
    damage(recordIn('s1', passing('1.6.4')));
    const { exitCode, outcome, runs } = await report('s1');
    expect({ exitCode, outcome, runs: runs.map((run) => run.outcome).sort() }).toEqual({
      exitCode: 69,
      outcome: 'inconclusive',
      runs: ['inconclusive', 'pass'],
    });
    const damaged = runs.find((run) => run.outcome === 'inconclusive');
    expect(damaged?.slug).toBe('reserved-containerd-1.6.4');
    expect(damaged?.findings.map(({ message }) => message)).toEqual([expect.stringContaining(why)]);
  });
});

test('a path that is not a folder, and a folder without runs, are bad input', async () => {
  mkdirSync(join(folder, 'empty'), { recursive: true });
  await expect(report('nowhere')).rejects.toThrow('is not a folder');
  await expect(report('empty')).rejects.toThrow('no run is recorded in');
});
