import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
/** Two scenarios of four cells each, and a control. */
const SELECTION = [
  ...['missing-version', 'incompatible-version', 'controls/probe-that-cannot-look'],
  ...['--set', 'containerd=1.6.3,1.6.4,1.6.36,2.4.2'],
];

interface Report {
  readonly outcome: string;
  readonly runs: readonly {
    readonly slug: string;
    readonly outcome: string;
    readonly cell: unknown;
    readonly findings?: readonly Readonly<Record<'check' | 'stepId' | 'outcome', string>>[];
  }[];
}

const run = (name: string, ...args: readonly string[]) =>
  cnilab(['run', ...SELECTION, '--output', join(folder, name), ...args]);

/** The report of recorded runs, without what is not the same twice: times, paths, ids. */
async function reportOf(command: 'merge' | 'report', ...names: readonly string[]) {
  const json = join(folder, 'report.json');
  const junit = join(folder, 'report.xml');
  const folders = names.map((name) => join(folder, name));
  const { exitCode, stdout } = await cnilab([
    command,
    ...folders,
    `--reporter=json=${json}`,
    `--reporter=junit=${junit}`,
  ]);
  const { outcome, runs } = JSON.parse(readFileSync(json, 'utf8')) as Report;
  const cases =
    readFileSync(junit, 'utf8').match(/<(?:testsuite|testcase|failure|error|skipped) [^>]*>/g) ?? [];
  return {
    exitCode,
    outcome,
    runs: runs.map(({ slug, outcome, cell, findings }) => ({
      ...{ slug, outcome, cell },
      findings: findings?.map(({ check, stepId, outcome: came }) => `${stepId} ${check} ${came}`),
    })),
    cases: cases.map((text) => text.replaceAll(/ time="[^"]*"/g, '')),
    stdout,
  };
}

test('three shards in three processes, merged, are the report and the verdict of one process', async () => {
  const shards = ['1/3', '2/3', '3/3'];
  const ran = await Promise.all([
    ...shards.map((shard) => run(`shard-${shard[0]}`, '--shard', shard)),
    run('whole'),
  ]);
  expect(ran.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
    ran.map(() => ({ exitCode: 0, stderr: '' })),
  );

  const { stdout: mergedText, ...merged } = await reportOf('merge', 'shard-1', 'shard-2', 'shard-3');
  const { stdout: wholeText, ...whole } = await reportOf('report', 'whole');
  expect(merged).toEqual(whole);
  expect(merged.exitCode).toBe(0);
  expect(merged.runs.length).toBeGreaterThan(8);
  expect(timeless(mergedText)).toBe(timeless(wholeText));

  rmSync(join(folder, 'shard-2'), { recursive: true });
  const partly = await reportOf('merge', 'shard-1', 'shard-3');
  expect(partly).toMatchObject({ exitCode: 69, outcome: 'inconclusive' });
  expect(partly.stdout).toContain('shard 2/3 is missing');
});

/** Without times, and the list that is sorted by them. */
const timeless = (text: string): string =>
  text
    .replace(/^slowest\n(?: .*\n)*/m, '')
    .replaceAll(/ +[\d.]+ s\b/g, ' S')
    .replaceAll(/; recorded in .*/g, '');
