import { expect, test } from 'vitest';
import { checkNames } from '../../lab/plan/checks.ts';
import { compareRuns } from '../../lab/plan/cells.ts';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { scenarioOf } from '../spec/read.ts';

test('two scenarios with the same name are a mistake', () => {
  const text = 'name: twin\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps: [{ run-pod: web }]\n';
  const mistakes = checkNames([scenarioOf(text, 'a.yaml'), scenarioOf(text, 'b.yaml')]);
  expect(mistakes.map(formatDiagnostic)).toEqual([
    'b.yaml:1:1 the scenario in a.yaml is called "twin" too; take another name\n    name: twin\n    ~~~~~~~~~~',
  ]);
});

test('recorded runs are in the order of their versions', () => {
  const run = (name: string, containerd: string) => ({ scenario: { name }, cell: { containerd } });
  const wanted = [
    run('a', '1.6.4'),
    run('a', '1.6.36'),
    run('a', '2.0.0-rc.1'),
    run('a', '2.0.0'),
    run('b', '1.6.4'),
    run('b', 'debian:1.6.20'),
    run('b', 'debian:bookworm'),
  ];
  expect([...wanted].reverse().sort(compareRuns)).toEqual(wanted);
});
