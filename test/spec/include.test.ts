import { expect, test } from 'vitest';

import { planScenarios } from '../../lab/plan/plan-scenarios.ts';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { OPTIONS } from '../plan/facts.ts';
import { mistakesOf, scenarioOf } from './read.ts';

const file = (more = '') => `name: s
summary: s
include: shared/net.inc.yaml
node:
  containerd: 1.6.4
  cni-config: { 10-net.conflist: *net }
steps:
  - run-pod: web
    expect: *expected
${more}`;
const NET = 'x-net: &net\n  cniVersion: 1.0.0\n  plugins: [{ type: bridge }]\n';
const EXPECTED = 'x-expected: &expected\n  - { ok: true }\n';
const included = (text: string) => ({ 'shared/net.inc.yaml': text });

test('aliases may refer to anchors in included files', () => {
  const { nodes, steps } = scenarioOf(file(), 'folder/s.yaml', included(NET + EXPECTED));
  expect(JSON.parse(nodes[0]?.cniConfig[0]?.content ?? '')).toEqual({
    cniVersion: '1.0.0',
    plugins: [{ type: 'bridge' }],
  });
  expect(steps[0]?.expect[0]).toMatchObject({
    ok: true,
    place: { file: 'folder/shared/net.inc.yaml', line: 5 },
  });
});

test('an anchor in the file takes precedence over an included one', () => {
  const own = file().replace('node:', 'x-expected: &expected { ok: false }\nnode:');
  expect(scenarioOf(own, 's.yaml', included(NET + EXPECTED)).steps[0]?.expect[0]?.ok).toBe(false);
});

test('a mistake in an included file is shown there, with its line, after those of the file itself', () => {
  const text = `${NET}x-expected: &expected\n  - { okay: true }\n`;
  const lines = mistakesOf(file('expect: { podz: none }\n'), included(text)).split('\n');
  expect(lines.filter((line) => line.includes('unknown key')).map((line) => line.split(';')[0])).toEqual([
    's.yaml:10:11 unknown key "podz"',
    'shared/net.inc.yaml:5:7 unknown key "okay"',
  ]);
  expect(lines).toContain('      - { okay: true }');
});

test('an included file that is missing, is not a fragment or has another name is a mistake', () => {
  const first = (text: string, files = {}) => mistakesOf(text, files).split('\n')[0];
  expect(first(file())).toBe('s.yaml:3:10 shared/net.inc.yaml cannot be read: there is none');
  expect(first(file(), included(`${NET + EXPECTED}name: t\n`))).toBe(
    'shared/net.inc.yaml:6:1 a file that is included has fragments alone, whose names begin with x-; got "name"',
  );
  expect(first(file(), included('- a\n'))).toContain(' no anchor "&net" stands before this');
  expect(first(file().replace('.inc.yaml', '.yaml'), { 'shared/net.yaml': NET + EXPECTED })).toBe(
    's.yaml:3:10 wanted the path of a file *.inc.yaml; got "shared/net.yaml"',
  );
  expect(mistakesOf(file(), included('x-a: [\n'))).toContain('shared/net.inc.yaml:2:1 this is not YAML: ');
});

test('a mistake in an included file that only the plan finds also has its line', () => {
  const text = `${NET}x-expected: &expected\n  - { when: { containerd: '<1.6.0' }, ok: true }\n`;
  const plan = planScenarios([scenarioOf(file(), 's.yaml', included(text))], OPTIONS);
  const [mistake] = plan.ok ? [] : plan.error.map(formatDiagnostic);
  expect(mistake).toContain('shared/net.inc.yaml:5:5 no branch covers the only cell');
  expect(mistake).toContain("    - { when: { containerd: '<1.6.0' }, ok: true }");
});
