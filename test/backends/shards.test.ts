import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { cnilab, ROOT } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
/** Two scenarios of four cells each, and a control. */
const SELECTION = [
  ...['missing-version', 'incompatible-version', 'controls/probe-that-cannot-look'],
  ...['--set', 'containerd=1.6.2,1.6.3,1.6.4,2.4.2'],
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

/** The report of recorded runs, without values that differ each time: times, paths, ids. */
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

test('three shards in three processes, merged, have the report and the verdict of a single process', async () => {
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

/** Without times, and without the list that is sorted by time. */
const timeless = (text: string): string =>
  text
    .replace(/^slowest\n(?: .*\n)*/m, '')
    .replaceAll(/ +[\d.]+ s\b/g, ' S')
    .replaceAll(/; recorded in .*/g, '');

test('a shard that has nothing to run is recorded, and so is each shard of a plan without a run', async () => {
  const repository = join(folder, 'repository');
  cpSync(join(ROOT, 'scenarios/unknown-plugin.yaml'), join(repository, 'scenarios/one.yaml'), {
    recursive: true,
  });
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
      cwd: repository,
    });
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message=one');
  const selection = ['scenarios', '--set', 'containerd=1.6.4', '--set', 'as=conf', '--only-changed', 'HEAD'];
  const changed = (...args: readonly string[]) => cnilab([...args, ...selection], { cwd: repository });
  const merged = (output: string) => cnilab(['merge', output], { cwd: repository });

  for (const shard of ['1/2', '2/2'])
    expect(await changed('run', '--shard', shard, '--output', 'none')).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  expect(await merged('none')).toMatchObject({ exitCode: 0, stderr: '' });

  appendFileSync(join(repository, 'scenarios/one.yaml'), '# changed\n');
  expect((await changed('run', '--shard', '1/2', '--output', 'one')).stdout).toContain('1 passed in ');
  expect(await merged('one')).toMatchObject({ exitCode: 0 }); // the run is there, and no other was to be
  expect((await changed('run', '--shard', '2/2', '--output', 'one')).stdout).toBe(
    'shard 2/2 has nothing to run: the plan has 1 run in all\n',
  );
  expect((await merged('one')).stdout).toContain('1 passed in ');
  const { stdout } = await changed('plan', '--github', '--shards', '4');
  expect(JSON.parse(stdout)).toEqual({ include: [{ shard: '1/1', runs: 1 }] });
});
