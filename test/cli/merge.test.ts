import {
  cpSync,
  existsSync,
  readdirSync,
  readlinkSync,
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import { takeShard } from '../../lab/assembly/shards.ts';
import { mergeCommand, reportCommand } from '../../lab/cli/report.ts';
import type { Plan } from '../../lab/plan/plan.ts';
import { recordRun, recordSession } from '../../lab/record.ts';
import { cnilab } from '../rig/cnilab.ts';
import { fakeWorld } from '../rig/fake-world.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { brokenOff, failing, passing, type RecordedCell } from '../rig/sessions.ts';

const folder = join(scratchFolder(), 'shards');
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

const CELLS = ['1.6.1', '1.6.2', '1.6.3', '1.6.4', '1.6.8'].map(passing);
const ENDED = { time: '2026-01-01T00:10:00.000Z' };

interface ShardOptions {
  readonly cells?: readonly RecordedCell[];
  readonly ended?: Parameters<ReturnType<typeof recordSession>['ended']>[0] | undefined;
  readonly path?: string;
}

/** A shard as a machine leaves it on disk. Returns its path below the folder of this test. */
function recordShard(index: number, count: number, options: ShardOptions = {}): string {
  const { cells = CELLS, path = `machine-${index}/s${index}` } = options;
  const whole: Plan = { formatVersion: 3, runs: cells.map(({ run }) => run) };
  const { plan, shard, shards } = takeShard(whole, { shard: { index, count }, cwd: folder });
  const hostPath = join(folder, path);
  const session = recordSession(hostPath, {
    ...{ plan: whole, shard, shards, labVersion: '0.1.0', backend: 'bare', host: {} },
    started: '2026-01-01T00:00:00.000Z',
  });
  for (const { run, entries } of cells) {
    if (!plan.runs.includes(run)) continue;
    const record = recordRun(run, join(hostPath, run.slug), RUNTIMES);
    for (const entry of entries) record.observed(entry);
  }
  const { ended } = 'ended' in options ? options : { ended: ENDED };
  if (ended !== undefined) session.ended(ended);
  return path;
}

const recordAll = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => recordShard(at + 1, count));

interface Report {
  readonly outcome: string;
  readonly totals: unknown;
  readonly runs: readonly {
    readonly title: string;
    readonly slug: string;
    readonly outcome: string | null;
    readonly outputHostPath?: string;
    readonly findings?: readonly { readonly message: string }[];
  }[];
}

async function merge(folders: readonly string[], command = mergeCommand) {
  const world = fakeWorld({ cwd: folder });
  const exitCode = await command(world, folders, { reporter: ['json'] });
  const report = JSON.parse(world.written.out) as Report;
  const messages = report.runs.flatMap(({ findings = [], title }) =>
    findings
      .filter(() => !title.startsWith('reserved '))
      .map(({ message }) => message.replaceAll(folder, '')),
  );
  return { exitCode, report, outcome: report.outcome, totals: report.totals, messages };
}

const WHOLE = { pass: 5, fail: 0, inconclusive: 0, notRun: 0, flaky: 0 };

describe('shards of one plan, all of them', () => {
  test('have the verdict and the report of a session that ran everything', async () => {
    const merged = await merge(recordAll(3));
    recordShard(1, 1, { path: 'alone' });
    const alone = await merge(['alone'], reportCommand);
    const withoutPaths = ({ report: { runs, ...report } }: typeof merged) => ({
      ...{ ...report, outputHostPath: '' },
      runs: runs.map((run) => ({ ...run, outputHostPath: '' })),
    });
    expect(withoutPaths(merged)).toEqual(withoutPaths(alone));
    expect(merged).toMatchObject({ exitCode: 0, outcome: 'pass', totals: WHOLE, messages: [] });
  });

  test('are found below one folder, and a link to a shard is not counted again', async () => {
    recordAll(3);
    symlinkSync('s1', join(folder, 'machine-1/latest'));
    expect(await merge(['.', 'machine-1/latest'])).toMatchObject({
      exitCode: 0,
      totals: WHOLE,
      messages: [],
    });
  });

  test('are not counted again where a program that follows links has copied them', async () => {
    recordAll(3);
    symlinkSync('s1', join(folder, 'machine-1/latest'));
    cpSync(join(folder, 'machine-1'), join(folder, 'copied'), { recursive: true, dereference: true });
    rmSync(join(folder, 'machine-1'), { recursive: true });
    expect(readdirSync(join(folder, 'copied/latest'))).toContain('session.json');
    for (const command of [mergeCommand, reportCommand])
      expect(await merge(['.'], command)).toMatchObject({ exitCode: 0, totals: WHOLE, messages: [] });
  });

  test('fail if one run of one of them fails', async () => {
    const cells = [...CELLS.slice(1), failing('1.6.1')];
    for (const index of [1, 2, 3]) recordShard(index, 3, { cells });
    expect(await merge(['.'])).toMatchObject({ exitCode: 1, outcome: 'fail', messages: [] });
  });

  test('are complete if one was run twice; both runs are in the report', async () => {
    recordAll(2);
    recordShard(1, 2, { path: 'again' });
    expect(await merge(['.'])).toMatchObject({ exitCode: 0, totals: { pass: 8 }, messages: [] });
  });

  test('are whole where one of them has nothing to run', async () => {
    const cells = CELLS.slice(0, 2);
    for (const index of [1, 2, 3]) recordShard(index, 3, { cells });
    expect(readdirSync(join(folder, 'machine-3/s3')).sort()).toEqual(['runs.jsonl', 'session.json']);
    expect(await merge(['.'])).toMatchObject({ exitCode: 0, totals: { pass: 2 }, messages: [] });
  });

  test('pass where no run was left for any of them', async () => {
    for (const index of [1, 2]) recordShard(index, 2, { cells: [] });
    expect(await merge(['.'])).toMatchObject({ exitCode: 0, outcome: 'pass', totals: { pass: 0 } });
  });

  test('with nothing to run are inconclusive where one was interrupted', async () => {
    recordShard(1, 2, { cells: [] });
    recordShard(2, 2, { cells: [], ended: { ...ENDED, interruptedBy: 'SIGTERM' } });
    expect((await merge(['.'])).exitCode).toBe(69);
  });

  test('with nothing to run have the same verdict from report and merge', async () => {
    for (const index of [1, 2]) recordShard(index, 2, { cells: [] });
    for (const command of [mergeCommand, reportCommand])
      expect(await merge(['.'], command)).toMatchObject({ exitCode: 0, outcome: 'pass', messages: [] });
  });

  test('are whole where a run that was left out is given by its own folder', async () => {
    recordAll(2);
    const run = 'machine-1/s1/reserved-containerd-1.6.1';
    mkdirSync(join(folder, 'elsewhere'));
    expect((await merge([run])).exitCode).toBe(69);
    expect(await merge(['machine-2', 'machine-1', run])).toMatchObject({ exitCode: 0, totals: WHOLE });
  });
});

describe('a session without a single run', () => {
  const reported = async () => {
    const { exitCode, messages } = await merge(['.'], reportCommand);
    return { exitCode, messages };
  };

  test('passes if its shard of the plan is empty', async () => {
    recordShard(3, 3, { cells: CELLS.slice(0, 2) });
    expect(await reported()).toEqual({ exitCode: 0, messages: [] });
  });

  test('says on the terminal why it passes', async () => {
    const path = recordShard(3, 3, { cells: CELLS.slice(0, 2) });
    const world = fakeWorld({ cwd: folder });
    await reportCommand(world, [path], {});
    expect(world.written.out).toBe('no run is recorded here, because there was nothing to run\n');
  });

  test.each<readonly [string, () => void, string]>([
    [
      'ended before its first run',
      () => rmSync(join(folder, recordShard(1, 5), 'reserved-containerd-1.6.1'), { recursive: true }),
      'shard 1/5 lacks 1 of its 1 runs: reserved-containerd-1.6.1',
    ],
    [
      'was killed',
      () => recordShard(1, 1, { cells: [], ended: undefined }),
      'the session did not come to its end, or is still running: /machine-1/s1',
    ],
    [
      'was interrupted, once and again',
      () => {
        for (const path of ['one', 'two'])
          recordShard(1, 1, { path, cells: [], ended: { ...ENDED, interruptedBy: 'SIGTERM' } });
      },
      'the session was interrupted by SIGTERM: /one; the session was interrupted by SIGTERM: /two',
    ],
    [
      'is damaged',
      () => truncateSync(join(folder, recordShard(1, 1, { cells: [] }), 'session.json'), 5),
      '/machine-1/s1/session.json: this is not JSON',
    ],
  ])('is inconclusive if it %s', async (_, record, why) => {
    record();
    const { exitCode, messages } = await reported();
    expect(exitCode).toBe(69);
    expect(messages).toEqual([expect.stringContaining(why)]);
  });
});

describe('--output records them as one session', () => {
  const mergeInto = async (folders: readonly string[], output = 'merged') => {
    const world = fakeWorld({ cwd: folder });
    const exitCode = await mergeCommand(world, folders, { reporter: ['json'], output });
    return { exitCode, report: JSON.parse(world.written.out) as Report };
  };

  test('that has the same verdict, and is whole without the shards', async () => {
    const folders = recordAll(3);
    const { exitCode, report } = await mergeInto(folders);
    const session = readlinkSync(join(folder, 'merged/latest'));
    expect(exitCode).toBe(0);
    expect(report.runs.map(({ outputHostPath }) => outputHostPath)).toEqual(
      CELLS.map(({ run }) => join(folder, 'merged', session, run.slug)),
    );
    const before = await merge(folders);
    for (const machine of [1, 2, 3]) rmSync(join(folder, `machine-${machine}`), { recursive: true });
    const after = await merge(['merged']);
    const withoutPaths = ({ runs }: Report) => runs.map((run) => ({ ...run, outputHostPath: '' }));
    expect(withoutPaths(after.report)).toEqual(withoutPaths(before.report));
    expect(after).toMatchObject({ exitCode: 0, totals: WHOLE, messages: [] });
    const record = JSON.parse(readFileSync(join(folder, 'merged/latest/session.json'), 'utf8')) as unknown;
    expect(record).toMatchObject({ backend: 'bare', shard: { index: 1, count: 1 }, ended: ENDED });
  });

  test('that lacks the runs of a missing shard, too', async () => {
    recordAll(3);
    rmSync(join(folder, 'machine-2'), { recursive: true });
    expect((await mergeInto(['machine-1', 'machine-3'])).exitCode).toBe(69);
    const again = await merge(['merged']);
    expect(again).toMatchObject({ exitCode: 69, totals: { pass: 3, notRun: 2 } });
    expect(again.messages).toEqual([
      'the session lacks 2 of its 5 runs: reserved-containerd-1.6.2, reserved-containerd-1.6.8',
    ]);
  });

  test('that has not ended where a shard did not', async () => {
    recordShard(1, 2);
    recordShard(2, 2, { ended: undefined });
    expect((await mergeInto(['machine-1', 'machine-2'])).exitCode).toBe(69);
    expect((await merge(['merged'])).messages[0]).toMatch('the session did not come to its end');
  });

  test('not where they are of different plans', async () => {
    recordShard(1, 2);
    recordShard(2, 2, { cells: CELLS.slice(1) });
    await expect(mergeInto(['machine-1', 'machine-2'])).rejects.toThrow('--output needs shards of one plan');
    expect(existsSync(join(folder, 'merged'))).toBe(false);
  });
});

/** What is done to three whole shards → what the report says of it. */
describe('inconclusive, with the reason', () => {
  const remove = (path: string) => rmSync(join(folder, path), { recursive: true });
  const RUN = 'machine-2/s2/reserved-containerd-1.6.2';

  test.each<readonly [string, () => void, readonly string[], Partial<typeof WHOLE>]>([
    [
      'a shard is missing',
      () => remove('machine-2'),
      ['shard 2/3 is missing: 2 of its 2 runs are not there'],
      { pass: 3, inconclusive: 1, notRun: 2 },
    ],
    [
      'a shard was killed',
      () => {
        remove('machine-2');
        recordShard(2, 3, { ended: undefined });
      },
      ['shard 2/3 did not come to its end, or is still running: /machine-2/s2'],
      { pass: 5, inconclusive: 1 },
    ],
    [
      'a shard was interrupted',
      () => {
        remove('machine-2');
        recordShard(2, 3, { ended: { ...ENDED, interruptedBy: 'SIGTERM' } });
      },
      ['shard 2/3 was interrupted by SIGTERM: /machine-2/s2'],
      { pass: 5, inconclusive: 1 },
    ],
    [
      'a run is missing',
      () => remove(RUN),
      ['shard 2/3 lacks 1 of its 2 runs: reserved-containerd-1.6.2'],
      { pass: 4, inconclusive: 1, notRun: 1 },
    ],
    [
      'all runs of a shard are missing',
      () => {
        remove(RUN);
        remove('machine-2/s2/reserved-containerd-1.6.8');
      },
      ['shard 2/3 lacks 2 of its 2 runs: reserved-containerd-1.6.2, reserved-containerd-1.6.8'],
      { pass: 3, inconclusive: 1, notRun: 2 },
    ],
    [
      'a run has another plan than the session says',
      () => {
        const file = join(folder, RUN, 'plan.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace('"timeoutMs": 10000', '"timeoutMs": 20000'));
      },
      [
        'shard 2/3 lacks 1 of its 2 runs: reserved-containerd-1.6.2',
        '/machine-2/s2/reserved-containerd-1.6.2 is of another plan than the one that the session lists under this name',
      ],
      { pass: 5, inconclusive: 2, notRun: 1 },
    ],
    [
      'a run is there twice, with different plans',
      () => {
        const [cell] = CELLS;
        if (cell === undefined) throw new Error('there is no cell');
        const run = { ...cell.run, pods: [{ name: 'db' }] } as unknown as typeof cell.run;
        const record = recordRun(run, join(folder, 'single', run.slug), RUNTIMES);
        for (const entry of cell.entries) record.observed(entry);
      },
      [
        '/single/reserved-containerd-1.6.1 is of another plan than the one that the session lists under this name',
      ],
      { pass: 6, inconclusive: 1 },
    ],
    [
      'a run is not of the plan',
      () => {
        const { run, entries } = passing('2.4.2');
        const record = recordRun(run, join(folder, 'single', run.slug), RUNTIMES);
        for (const entry of entries) record.observed(entry);
      },
      ['/single/reserved-containerd-2.4.2 is no run of the plan'],
      { pass: 6, inconclusive: 1 },
    ],
    [
      'a run cannot be read',
      () => truncateSync(join(folder, RUN, 'plan.json'), 10),
      [expect.stringContaining('plan.json cannot be judged: this is not JSON') as string],
      { pass: 4, inconclusive: 1 },
    ],
    [
      'the list of runs is damaged',
      () => {
        for (const at of [1, 2, 3]) appendFileSync(join(folder, `machine-${at}/s${at}/runs.jsonl`), '{}\n');
      },
      [1, 2, 3].map(
        (at) =>
          `/machine-${at}/s${at}/runs.jsonl is not the list that session.json beside it was written with`,
      ),
      { pass: 5, inconclusive: 3 },
    ],
    [
      'the record of a shard is damaged',
      () => truncateSync(join(folder, 'machine-2/s2/session.json'), 20),
      [
        expect.stringContaining('/machine-2/s2/session.json: this is not JSON') as string,
        'shard 2/3 is missing: 2 of its 2 runs are not there',
      ],
      { pass: 5, inconclusive: 2 },
    ],
    [
      'the record of a shard is gone',
      () => remove('machine-2/s2/session.json'),
      [
        '/machine-2/s2/session.json cannot be read: ENOENT',
        'shard 2/3 is missing: 2 of its 2 runs are not there',
      ].map((text) => expect.stringContaining(text) as string),
      { pass: 5, inconclusive: 2 },
    ],
  ])('%s', async (_, damage, messages, totals) => {
    recordAll(3);
    damage();
    const merged = await merge(['.']);
    expect(merged.messages.sort()).toEqual([...messages].sort());
    expect(merged).toMatchObject({ exitCode: 69, outcome: 'inconclusive', totals });
  });

  test('a shard that ended before its first run', async () => {
    recordAll(2);
    rmSync(join(folder, 'machine-2'), { recursive: true });
    const cells = CELLS;
    const path = recordShard(2, 2, { cells, ended: undefined });
    for (const { run } of cells) rmSync(join(folder, path, run.slug), { recursive: true, force: true });
    const { exitCode, messages } = await merge(['machine-1', path]);
    expect(exitCode).toBe(69);
    expect(messages.join()).toMatch(/shard 2\/2 did not come to its end.*shard 2\/2 lacks 2 of its 2 runs/);
  });

  test('shards of different plans, which are named', async () => {
    recordShard(1, 2);
    recordShard(2, 2, { cells: CELLS.slice(1) });
    const { exitCode, messages, totals } = await merge(['.']);
    expect({ exitCode, totals }).toEqual({ exitCode: 69, totals: { ...WHOLE, inconclusive: 3, notRun: 4 } });
    expect(messages.join('\n')).toContain(
      'these sessions are of 2 different plans, or of different splits of one: /machine-1/s1 (shard 1/2); and: /machine-2/s2 (shard 2/2)',
    );
  });

  test('missing runs do not hide a failure', async () => {
    recordShard(1, 2, { cells: [failing('1.6.1'), passing('1.6.2')] });
    expect(await merge(['.'])).toMatchObject({
      exitCode: 1,
      outcome: 'fail',
      totals: { fail: 1, notRun: 1 },
    });
  });

  test('a run that broke off', async () => {
    recordShard(1, 1, { cells: [brokenOff('1.6.1'), passing('1.6.2')] });
    expect(await merge(['.'])).toMatchObject({
      exitCode: 69,
      totals: { pass: 1, inconclusive: 1 },
      messages: [],
    });
  });

  test('runs without a session', async () => {
    const { run, entries } = passing('1.6.3');
    const record = recordRun(run, join(folder, 'single', run.slug), RUNTIMES);
    for (const entry of entries) record.observed(entry);
    const { exitCode, messages } = await merge(['single']);
    expect(exitCode).toBe(69);
    expect(messages).toEqual([expect.stringContaining('no folder has a session.json')]);
  });
});

test('JUnit and the terminal show missing runs too', async () => {
  recordShard(1, 2);
  const world = fakeWorld({ cwd: folder });
  await mergeCommand(world, ['.'], { reporter: ['terminal', 'junit=report.xml'] });
  expect(world.written.out).toContain('shard 2/2 is missing: 2 of its 2 runs are not there');
  expect(world.written.out).toContain('3 passed, 1 inconclusive, 2 not run');
  const xml = readFileSync(join(folder, 'report.xml'), 'utf8');
  expect(xml).toMatch(/<error [^>]*message="[^"]*shard 2\/2 is missing: 2 of its 2 runs are not there/);
  expect(xml.match(/the run was not started or did not end/g)).toHaveLength(2);
});

test('in a step of GitHub, no line on the terminal is a command but those of the reporter for GitHub', async () => {
  const cell = failing('1.6.1');
  const { scenario } = cell.run;
  const run = { ...cell.run, scenario: { ...scenario, summary: '::error::it is not one' } };
  recordShard(1, 1, { cells: [{ ...cell, run }], path: 'one' });
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: '', GITHUB_OUTPUT: '' };
  const commands = async (...args: readonly string[]) => {
    const { stdout } = await cnilab(['merge', join(folder, 'one'), ...args], { env });
    expect(stdout).toContain('      \\::error::it is not one\n');
    return stdout.split('\n').filter((line) => /^\s*::.*::|##\[/.test(line));
  };
  expect(await commands()).toEqual([]);
  expect(await commands('--reporter', 'github')).toEqual([
    expect.stringMatching(/^::stop-commands::/),
    expect.stringMatching(/^::[0-9a-f]+::$/),
    expect.stringMatching(/^::error file=/),
  ]);
});
