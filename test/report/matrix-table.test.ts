import { expect, test } from 'vitest';

import { matrixTable, nameRuntime, overviewTable, type CellResult } from '../../lab/report/matrix-table.ts';

const cell = (containerd: string, plugins: string, outcome: CellResult['outcome']): CellResult => ({
  cell: { containerd, plugins },
  outcome,
});
const results = [
  cell('1.6.3', '0.9.1', 'pass'),
  cell('1.6.3', '1.1.1', 'fail'),
  cell('1.6.10', '0.9.1', 'inconclusive'),
  cell('1.6.10', '1.1.1', 'not run'),
];
const paint = (_: CellResult['outcome'], text: string): string => text;

test('the last axis is horizontal, the others are vertical', () => {
  expect(matrixTable(results, { columns: 80, paint })).toEqual([
    '  containerd  plugins  0.9.1         1.1.1',
    '  1.6.3                pass          fail',
    '  1.6.10               inconclusive  not run',
  ]);
});

test('if the table is too wide, all axes are vertical', () => {
  expect(matrixTable(results, { columns: 30, paint })).toEqual([
    '  containerd  plugins',
    '  1.6.3       0.9.1    pass',
    '  1.6.3       1.1.1    fail',
    '  1.6.10      0.9.1    inconclusive',
    '  1.6.10      1.1.1    not run',
  ]);
});

test('a table that is too wide continues below, unless a line for each cell is shorter', () => {
  const versions = ['1.6.0', '1.6.1', '1.6.2', 'debian:1.6.20'];
  const six = ['0.9.1', '1.1.1'].flatMap((plugins) =>
    versions.map((containerd): CellResult => ({ cell: { plugins, containerd }, outcome: 'pass' })),
  );
  expect(matrixTable(six, { columns: 45, paint })).toEqual([
    '  plugins  containerd  1.6.0  1.6.1  1.6.2',
    '  0.9.1                pass   pass   pass',
    '  1.1.1                pass   pass   pass',
    '',
    '  plugins  containerd  debian:1.6.20',
    '  0.9.1                pass',
    '  1.1.1                pass',
  ]);
  const one = six
    .slice(0, 3)
    .map(({ cell: { containerd = '' }, outcome }) => ({ cell: { containerd }, outcome }));
  expect(matrixTable(one, { columns: 24, paint })).toEqual([
    ...['  containerd', '  1.6.0       pass', '  1.6.1       pass', '  1.6.2       pass'],
  ]);
});

test('words are coloured by their meaning after they were padded', () => {
  const painted = matrixTable(results.slice(0, 2), {
    columns: 80,
    paint: (outcome, text) => `<${outcome}:${text}>`,
  });
  expect(painted[1]).toBe('  1.6.3                <pass:pass >  <fail:fail >');
});

test('cells of two runtimes are two tables', () => {
  const crio = { cell: { crio: '1.34.0' }, outcome: 'pass' } as const;
  const containerd = { cell: { containerd: '1.6.3' }, outcome: 'fail' } as const;
  expect(matrixTable([containerd, crio], { columns: 80, paint })).toEqual([
    ...['  containerd  1.6.3', '              fail', '  crio  1.34.0', '        pass'],
  ]);
});

test('without axes there is no table', () => {
  expect(matrixTable([{ cell: {}, outcome: 'pass' }], { columns: 80, paint })).toEqual([]);
});

test('many scenarios are one table: a row for each, a column for each version, the worst of several runs', () => {
  const run = (scenario: string, version: string, outcome: CellResult['outcome'] = 'pass') => ({
    ...{ scenario, version, outcome },
  });
  const runs = [
    ...[run('first', '1.6.3'), run('first', '1.6.20', 'fail'), run('first', '2.4.2')],
    ...[run('second-one', '1.6.3', 'inconclusive'), run('second-one', '1.6.3'), run('second-one', '2.4.2')],
    ...[run('third', '2.0.0-rc.1', 'not run')],
  ];
  expect(overviewTable(runs, { columns: 80, paint })).toEqual([
    '            1.6  2.0  2.4',
    '                 0',
    '                 -',
    '                 r',
    '                 c',
    '              2  .',
    '            3 0  1    2',
    'first       . F       .',
    'second-one  ?         .',
    'third            -',
    '',
    '. pass   - not run   ? inconclusive   F fail',
  ]);
  const crio = nameRuntime({ component: 'crio', version: '1.34.0' });
  expect(overviewTable([run('first', '2.4.2'), run('first', crio, 'fail')], { columns: 80, paint })).toEqual([
    '       2.4  crio 1.34',
    '       2    0',
    'first  .    F',
    ...['', '. pass   F fail'],
  ]);
  const narrow = overviewTable(runs, { columns: 24, paint });
  expect(Math.max(...narrow.map(({ length }) => length))).toBeLessThanOrEqual(44);
  expect(narrow.filter((line) => line.startsWith('first'))).toHaveLength(2);
});
