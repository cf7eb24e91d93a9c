import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { cnilab, ROOT } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
const scenario = join(folder, 'one.yaml');
const runs = join(folder, 'runs');

/** One version that exists but that no source here has, beside one that is available. */
beforeAll(() => {
  writeFileSync(
    scenario,
    `name: one
summary: A node and nothing on it
matrix: { containerd: [1.6.4, 'release:1.6.3'] }
node: { containerd: '\${matrix.containerd}', cni-plugins: none }
steps:
  - exec: ['true']
`,
  );
});

/** A mirror that refuses connections, so that the release source is not available. */
const NOBODY = ['--mirror', 'http://127.0.0.1:9'];
const run = (...args: readonly string[]) => cnilab(['run', scenario, '--output', runs, ...args]);

test('a version that is not available stops only the runs that need it', async () => {
  const { exitCode, stdout } = await run(...NOBODY, '--reporter', 'json');
  const report = JSON.parse(stdout) as {
    runs: { title: string; outcome: string; findings: { message: string; outcome: string }[] }[];
  };
  expect(report.runs.map(({ outcome }) => outcome).sort()).toEqual(['inconclusive', 'pass']);
  const stopped = report.runs.find(({ outcome }) => outcome === 'inconclusive');
  expect(stopped?.findings.find(({ outcome }) => outcome !== 'pass')?.message).toContain(
    'during bringing what the node is made of: containerd 1.6.3 from release is not available',
  );
  expect(exitCode).toBe(69);
});

test('when no run is possible, nothing is run', async () => {
  const { exitCode, stdout, stderr } = await run(...NOBODY, '--containerd', 'release:1.6.3');
  expect([exitCode, stdout]).toEqual([69, expect.not.stringContaining('inconclusive')]);
  expect(stderr).toContain('containerd 1.6.3 from release is not available');
});

describe('output that cannot be written is reported, and is not a success', () => {
  const toFullDevice = (...args: readonly string[]) =>
    spawnSync(
      'sh',
      ['-c', 'exec "$@" >/dev/full', 'sh', process.execPath, `${ROOT}/bin/cnilab.cjs`, ...args],
      {
        encoding: 'utf8',
        cwd: folder,
      },
    );

  test.each([
    [['list']],
    [['run', scenario, '--containerd', '1.6.4', '--output', runs]],
    [['run', scenario, '--containerd', '1.6.4', '--output', runs, '--reporter', 'json']],
    [['run', scenario, '--containerd', '1.6.4', '--output', runs, '--reporter', 'junit']],
  ])('%j to a full device', (args) => {
    const { status, stderr } = toFullDevice(...args);
    expect([status, stderr]).toEqual([
      69,
      expect.stringContaining('cnilab: the output cannot be written: ENOSPC: no space left on device'),
    ]);
  });

  const mountable = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
  const onDisk = (kib: number, ...args: readonly string[]) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk, { recursive: true });
    // lists what is on the disk at the end, because the disk goes with the command
    const script =
      'mount -t tmpfs -o size=$1k none "$2" && shift 2 && "$@"; code=$?; ls "$DISK"/*/*; tail -qn 1 "$DISK"/*/*/verdict.json; exit $code';
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      [
        '--mount',
        'sh',
        '-c',
        script,
        'sh',
        String(kib),
        disk,
        process.execPath,
        `${ROOT}/bin/cnilab.cjs`,
      ].concat([...args, '--output', disk]),
      { encoding: 'utf8', timeout: 120_000, env: { ...process.env, DISK: disk } },
    );
    return { status, stdout, stderr };
  };

  test.skipIf(!mountable)('several runs on a disk that becomes full', () => {
    const versions = '1.5.13,1.6.3,1.6.4,2.4.2';
    const { status, stdout } = onDisk(100, 'run', 'failed-setup-leak', '--containerd', versions);
    expect(status).toBe(69);
    expect(stdout).toContain('during recording the run');
    expect(stdout).toContain('ENOSPC: no space left on device');
  });

  test.skipIf(!mountable)(
    'a run on a disk that becomes full at any of its files, the last one included',
    () => {
      const ends = Array.from({ length: 14 }, (_, index) => {
        const { status, stdout, stderr } = onDisk(
          16 + 4 * index,
          ...['run', scenario, '--containerd', '1.6.4'],
        );
        const isTold = `${stdout}${stderr}`.includes('cannot be written: ENOSPC: ');
        const whole = stdout.includes('verdict.json\n') && stdout.endsWith('\n}\n');
        return { status, isTold, whole };
      });
      expect(ends.filter(({ status }) => status === 0).every(({ isTold, whole }) => whole && !isTold)).toBe(
        true,
      );
      expect(ends.filter(({ status }) => status !== 0).every(({ isTold }) => isTold)).toBe(true);
      expect(new Set(ends.map(({ status }) => status))).toEqual(new Set([0, 69]));
      expect(ends.some(({ status, whole }) => status === 69 && !whole)).toBe(true);
    },
  );
});

describe('a recorded run that is damaged', () => {
  const recorded = join(folder, 'recorded');
  let whole: string;
  beforeAll(async () => {
    expect((await run('--containerd', '1.6.4')).exitCode).toBe(0);
    const latest = join(runs, 'latest');
    whole = join(latest, readdirSync(latest)[0] ?? '');
  });

  const damaged = (file: string, change: (text: string) => string) => {
    rmSync(recorded, { recursive: true, force: true });
    cpSync(whole, recorded, { recursive: true });
    writeFileSync(join(recorded, file), change(readFileSync(join(recorded, file), 'utf8')));
    return cnilab(['judge', recorded]);
  };

  test.each([
    ['plan.json', (text: string) => text.replace('"steps"', '"stepz"'), 'it has no sound "runs.0.steps"'],
    ['plan.json', () => '{', 'this is not JSON'],
    [
      'plan.json',
      (text: string) => text.replace('"formatVersion": 3', '"formatVersion": 2'),
      'it is of format 2, and this cnilab reads format 3 alone',
    ],
    [
      'journal.jsonl',
      (text: string) => text.replace('"formatVersion":3', '"formatVersion":2'),
      'line 1 is of format 2, and this cnilab reads format 3 alone',
    ],
    [
      'journal.jsonl',
      (text: string) => text.replace('"kind":"look","stepId"', '"kind":"look","stepIt"'),
      'is a look without a sound "stepId"',
    ],
  ])('is inconclusive, with its file: %s', async (file, change, why) => {
    const { exitCode, stdout, stderr } = await damaged(file, change);
    expect([exitCode, stderr]).toEqual([69, '']);
    expect(stdout).toContain(`${join(recorded, file)} cannot be judged: `);
    expect(stdout).toContain(why);
  });

  test('a folder without a plan, a file, and a missing folder are rejected', async () => {
    rmSync(recorded, { recursive: true, force: true });
    cpSync(whole, recorded, { recursive: true });
    rmSync(join(recorded, 'plan.json'));
    const ends = await Promise.all(
      [recorded, scenario, join(folder, 'nowhere')].map((path) => cnilab(['judge', path])),
    );
    expect(ends.map(({ exitCode, stdout, stderr }) => [exitCode, exitCode === 2 ? stderr : stdout])).toEqual([
      [69, expect.stringContaining('plan.json cannot be read')],
      [2, expect.stringContaining('is not a folder')],
      [2, expect.stringContaining('is not a folder')],
    ]);
  });

  test('--output with a file is rejected', async () => {
    const { exitCode, stderr } = await cnilab(['run', scenario, '--output', scenario]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('runs cannot be recorded in')]);
  });
});

test('fetch brings what some of the runs need, selected by their titles', async () => {
  const fetched = await cnilab(['fetch', 'incompatible-version', '--grep', String.raw`=1\.6\.[34]$`]);
  expect(fetched).toMatchObject({ exitCode: 0, stderr: '' });
  expect(fetched.stdout).toMatch(/^everything for 2 runs is in /m);
});
