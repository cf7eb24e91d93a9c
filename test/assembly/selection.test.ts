import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, test } from 'vitest';

import { readPins } from '../../lab/assembly/open-artifacts.ts';
import { changedSince, selectPlan } from '../../lab/assembly/selection.ts';
import type { RunFlags } from '../../lab/assembly/world.ts';
import type { Outcome } from '../../lab/judge/verdict.ts';
import type { RunPlan } from '../../lab/plan/plan.ts';
import { recordSession } from '../../lab/record.ts';
import { fakeWorld } from '../rig/fake-world.ts';
import { planned } from '../rig/recorded-run.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
const world = fakeWorld({ cwd: folder, env: process.env });

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const scenario = (name: string, more = '') =>
  `name: ${name}
summary: an example
matrix: { containerd: [1.6.2, 1.6.4] }
${more}
node: { containerd: '\${matrix.containerd}', cni-plugins: 1.1.1 }
steps:
  - exec: ['true']
`;

beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  write('alone.yaml', scenario('alone'));
  write('includes.yaml', scenario('includes', 'include: shared.inc.yaml'));
  write('shared.inc.yaml', 'x-nothing: {}\n');
  write(
    'copies.yaml',
    scenario('copies').replace(
      'cni-plugins: 1.1.1 }',
      'cni-plugins: 1.1.1, files: { /etc/motd: { from: ./motd } } }',
    ),
  );
  write('motd', 'hello\n');
});

async function selected(
  flags: Partial<RunFlags>,
  ...names: readonly string[]
): Promise<{ titles: readonly string[]; notes: readonly string[] }> {
  const notes: string[] = [];
  const plan = await selectPlan(world, {
    names: flags.lastFailed === true ? names : [...names, '.'],
    flags: { backend: 'auto', output: '.cnilab', ...flags },
    pins: readPins(world),
    note: (message) => notes.push(message),
  });
  return { titles: plan.runs.map(({ title }) => title), notes };
}
const both = (name: string): readonly string[] => [`${name} containerd=1.6.2`, `${name} containerd=1.6.4`];

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });

test('--grep and --grep-invert match titles, and an empty selection is bad input', async () => {
  expect((await selected({ grep: 'ALONE', grepInvert: '1.6.2' })).titles).toEqual(['alone containerd=1.6.4']);
  await expect(selected({ grep: 'alone', grepInvert: 'a' })).rejects.toThrow(
    'no run is left by --grep "alone" and --grep-invert "a"; a title is such as "alone containerd=1.6.2"',
  );
});

test('--repeat applies after the selection', async () => {
  expect((await selected({ grep: 'alone.*1.6.2', repeat: 2 })).titles).toEqual([
    'alone containerd=1.6.2 repeat=1',
    'alone containerd=1.6.2 repeat=2',
  ]);
});

const committed = () => {
  git('init', '-q', '.');
  git('add', '.');
  git('commit', '-qm', 'all');
};

const CHANGES: readonly (readonly [string, () => void, readonly string[]])[] = [
  ['nothing', () => undefined, []],
  ['the scenario', () => write('alone.yaml', scenario('alone', '# changed')), both('alone')],
  ['a file that it includes', () => write('shared.inc.yaml', 'x-other: {}\n'), both('includes')],
  ['a file that it copies', () => write('motd', 'bye\n'), both('copies')],
  ['a new file', () => write('new.yaml', scenario('new')), both('new')],
  ['another file', () => write('notes.md', 'x'), []],
  [
    'a staged one',
    () => {
      write('motd', 'bye\n');
      git('add', 'motd');
    },
    both('copies'),
  ],
  [
    'a committed one',
    () => {
      write('motd', 'bye\n');
      git('commit', '-qam', 'motd');
    },
    both('copies'),
  ],
];

test.each(CHANGES)('--only-changed, after a change of %s', async (_, change, expected) => {
  committed();
  git('tag', 'before');
  change();
  const { titles, notes } = await selected({ onlyChanged: 'before' });
  expect(titles).toEqual(expected);
  expect(notes).toEqual(expected.length > 0 ? [] : ['no scenario has changed since before; nothing is run']);
});

test('--only-changed finds files by their real paths, also in a folder of the repository', async () => {
  committed();
  mkdirSync(join(folder, 'sub'));
  const name = 'with "quotes" and\nmore';
  write(`sub/${name}`, 'x');
  const changed = await changedSince(fakeWorld({ cwd: join(folder, 'sub'), env: process.env }), 'HEAD');
  expect([...changed]).toEqual([join(folder, 'sub', name)]);
});

test('--only-changed outside a repository, with an unknown revision, and without git is bad input', async () => {
  await expect(selected({ onlyChanged: 'main' })).rejects.toThrow(
    `--only-changed needs a git repository, and ${folder} is in none`,
  );
  committed();
  for (const revision of ['no-such', '--output=/etc/passwd', ''])
    await expect(selected({ onlyChanged: revision })).rejects.toThrow(
      `--only-changed: ${JSON.stringify(revision)} is no revision of ${folder}`,
    );
  await expect(changedSince(fakeWorld({ cwd: folder, env: { PATH: '/nowhere' } }), 'HEAD')).rejects.toThrow(
    '--only-changed: could not start git',
  );
});

/** A session in which these runs had these outcomes; undefined: no verdict. */
function recorded(runs: Readonly<Record<string, readonly (Outcome | undefined)[]>>): void {
  const session = join(folder, '.cnilab/s1');
  for (const [title, attempts] of Object.entries(runs)) {
    const [name = '', version = ''] = title.split(' containerd=');
    const plain = planned({ title, cell: { containerd: version } });
    const place = { ...plain.scenario.place, file: `${name}.yaml` };
    const run: RunPlan = { ...plain, scenario: { ...plain.scenario, place } };
    attempts.forEach((outcome, index) => {
      const hostPath = join(session, run.slug, index === 0 ? '.' : `attempt-${index + 1}`);
      mkdirSync(hostPath, { recursive: true });
      writeFileSync(join(hostPath, 'plan.json'), JSON.stringify({ formatVersion: 3, runs: [run] }));
      writeFileSync(join(hostPath, 'journal.jsonl'), '');
      if (outcome !== undefined)
        writeFileSync(join(hostPath, 'verdict.json'), JSON.stringify({ outcome, findings: [] }));
    });
  }
  mkdirSync(session, { recursive: true });
  symlinkSync('s1', join(folder, '.cnilab/latest'));
}

test('--last-failed selects runs that did not pass, from the session’s files if there are no names', async () => {
  recorded({
    'alone containerd=1.6.2': ['pass'],
    'alone containerd=1.6.4': ['fail'],
    'includes containerd=1.6.2': ['inconclusive'],
    'includes containerd=1.6.4': [undefined],
    'copies containerd=1.6.2': ['fail', 'pass'], // flaky
    'copies containerd=1.6.4': ['fail', 'fail'],
  });
  expect((await selected({ lastFailed: true })).titles).toEqual([
    'alone containerd=1.6.4',
    'copies containerd=1.6.4',
    ...both('includes'),
  ]);
  expect((await selected({ lastFailed: true }, 'alone.yaml', 'copies.yaml')).titles).toEqual([
    'alone containerd=1.6.4',
    'copies containerd=1.6.4',
  ]);
  expect((await selected({ lastFailed: true, grep: 'copies', repeat: 2 })).titles).toHaveLength(2);
});

test('--last-failed selects runs that were planned but never run, in the same shard', async () => {
  const { runs } = await selectPlan(world, {
    ...{ names: ['alone.yaml', 'copies.yaml'], flags: { backend: 'auto', output: '.cnilab' } },
    ...{ pins: readPins(world), note: () => undefined },
  });
  recordSession(join(folder, '.cnilab/s1'), {
    ...{ labVersion: '0', backend: 'bare', host: {}, started: '2026-01-01T00:00:00Z' },
    ...{ plan: { formatVersion: 3, runs }, shard: { index: 1, count: 2 }, shards: [1, 1, 1, 2] },
  });
  recorded({ 'alone containerd=1.6.2': ['pass'], 'alone containerd=1.6.4': ['fail'] });
  expect((await selected({ lastFailed: true })).titles).toEqual([
    'alone containerd=1.6.4',
    'copies containerd=1.6.2',
  ]);
});

test('--last-failed runs nothing if all passed, and reports it', async () => {
  recorded({ 'alone containerd=1.6.2': ['pass'] });
  expect(await selected({ lastFailed: true })).toEqual({
    titles: [],
    notes: ['every run of the last session, s1, passed; nothing is run'],
  });
});

test('--last-failed after a session without runs does not say that they passed', async () => {
  const session = join(folder, '.cnilab/s1');
  recorded({});
  writeFileSync(join(session, 'runs.jsonl'), '');
  const record = {
    ...{ formatVersion: 1, labVersion: '1', backend: 'bare', host: {}, started: '2026-11-29T03:00:00.000Z' },
    ...{ shard: { index: 2, count: 2 }, runsSha256: 'a'.repeat(64) },
  };
  writeFileSync(join(session, 'session.json'), JSON.stringify(record));
  expect(await selected({ lastFailed: true })).toEqual({
    titles: [],
    notes: ['the last session, s1, had no runs; nothing is run'],
  });
  writeFileSync(join(session, 'session.json'), '{');
  await expect(selected({ lastFailed: true })).rejects.toThrow(
    `--last-failed: ${join(session, 'session.json')} cannot be read: `,
  );
});

test('--last-failed without a session, and with runs that are no longer planned, is bad input', async () => {
  await expect(selected({ lastFailed: true })).rejects.toThrow(
    `there is no session in ${join(folder, '.cnilab')} yet`,
  );
  recorded({ 'alone containerd=1.5.0': ['fail'] });
  await expect(selected({ lastFailed: true })).rejects.toThrow(
    'none of the runs that did not pass in s1 is in the plan: repeat the versions and values of that session (alone containerd=1.5.0)',
  );
});
