import { expect, test } from 'vitest';

import { BadInput } from '../../lab/core/lab-error.ts';
import type { Plan } from '../../lab/plan/plan.ts';
import { repeatRuns, runKey, selectRuns, titlePattern, unsteadyRuns } from '../../lab/plan/select-runs.ts';
import { planned } from '../rig/recorded-run.ts';

const run = (version: string, name = 'leak') =>
  planned({ title: `${name} containerd=${version}`, cell: { containerd: version } });
const PLAN: Plan = { formatVersion: 3, runs: [run('1.6.2'), run('1.6.4'), run('1.6.4', 'Reserved')] };
const titles = ({ runs }: Plan) => runs.map(({ title }) => title);

test.each([
  [{ grep: '1\\.6\\.4' }, ['leak containerd=1.6.4', 'Reserved containerd=1.6.4']],
  [{ grep: '^reserved' }, ['Reserved containerd=1.6.4']],
  [{ grepInvert: 'reserved|1.6.2' }, ['leak containerd=1.6.4']],
  [{ grep: 'leak', grepInvert: '1.6.4' }, ['leak containerd=1.6.2']],
  [{ grep: 'nothing' }, []],
])('%j leaves %j', (patterns, expected) => {
  const selection = Object.fromEntries(
    Object.entries(patterns).map(([key, pattern]) => [key, titlePattern(`--${key}`, pattern)]),
  );
  expect(titles(selectRuns(PLAN, selection))).toEqual(expected);
});

test('a pattern that is not a regular expression is bad input', () => {
  expect(() => titlePattern('--grep', '(')).toThrow(BadInput);
});

test('each run is repeated in place, with its own title, slug and cell', () => {
  const { runs } = repeatRuns({ ...PLAN, runs: PLAN.runs.slice(0, 2) }, 2);
  expect(runs.map(({ title, slug, cell }) => [title, slug, cell])).toEqual([
    [
      'leak containerd=1.6.2 repeat=1',
      'leak-containerd-1.6.2.repeat-1',
      { containerd: '1.6.2', repeat: '1' },
    ],
    [
      'leak containerd=1.6.2 repeat=2',
      'leak-containerd-1.6.2.repeat-2',
      { containerd: '1.6.2', repeat: '2' },
    ],
    [
      'leak containerd=1.6.4 repeat=1',
      'leak-containerd-1.6.4.repeat-1',
      { containerd: '1.6.4', repeat: '1' },
    ],
    [
      'leak containerd=1.6.4 repeat=2',
      'leak-containerd-1.6.4.repeat-2',
      { containerd: '1.6.4', repeat: '2' },
    ],
  ]);
  expect(new Set(runs.map(runKey)).size).toBe(2);
  expect(repeatRuns(PLAN, 1)).toEqual(PLAN);
});

test('a hundred repeats are in order in a folder too', () => {
  const slugs = repeatRuns(PLAN, 100).runs.map(({ slug }) => slug);
  expect(new Set(slugs).size).toBe(300);
  expect([...slugs.slice(0, 100)].sort()).toEqual(slugs.slice(0, 100));
});

test('a matrix with an axis "repeat" cannot be repeated', () => {
  const own = planned({ title: 'own repeat=a', cell: { repeat: 'a' } });
  expect(() => repeatRuns({ ...PLAN, runs: [own] }, 2)).toThrow('the one of own has an axis of that name');
});

test('only runs whose repeats differ are named', () => {
  const { runs } = repeatRuns(PLAN, 3);
  const ended = runs.map((run, index) => ({ run, outcome: index === 4 ? 'fail' : 'pass' }));
  expect(unsteadyRuns([...ended, { run: PLAN.runs[0]!, outcome: 'fail' }])).toEqual([
    {
      title: 'leak containerd=1.6.4',
      outcomes: new Map([
        ['pass', 2],
        ['fail', 1],
      ]),
    },
  ]);
});
