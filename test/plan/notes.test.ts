import { expect, test } from 'vitest';
import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import { notesOn, notesOnConfig } from '../../lab/plan/notes.ts';
import { planScenarios } from '../../lab/plan/plan-scenarios.ts';
import { scenarioOf } from '../spec/read.ts';
import { OPTIONS } from './facts.ts';

const notesFor = (files: string): readonly string[] =>
  notesOn(
    scenarioOf(
      `name: s
summary: s
matrix: { mtu: [1500] }
pods: { web: { labels: { mtu: '\${matrix.mtu}' } } }
node: { containerd: 1.6.4, cni-config: { ${files} } }
steps: [{ run-pod: web }, { write-cni-config: { ${files} } }, { write-files: { /etc/cni/net.d/x.conf: '' } }]
`,
      's.yaml',
      { './latin1': Buffer.from([0xff]) },
    ),
  ).map(({ place, message }) => `${place.line} ${message}`);

test.each([
  [
    'a path',
    'a.conf: ./x.conflist',
    'a.conf holds the text "./x.conflist" and not what is in that file, which is { from: ./x.conflist }',
  ],
  [
    'a name of a file',
    'a.conf: 01-net.conflist',
    'a.conf holds the text "01-net.conflist" and not what is in that file, which is { from: 01-net.conflist }',
  ],
  [
    'broken JSON',
    `a.conf: '{ "a": 1 "b": 2 }'`,
    "a.conf is not JSON, and is written as it is: Expected ',' or '}' after property value in JSON at position 9",
  ],
  ['other bytes than UTF-8', 'a.conf: { from: ./latin1 }', 'a.conf is not UTF-8, which JSON has to be'],
  [
    'a name that nobody reads',
    'a.conflst: { name: a }',
    'a.conflst does not end in .conflist, .conf or .json, and no runtime reads it',
  ],
])('%s is told at its place', (_what, files, note) => {
  const lines = notesFor(files).map((line) => line.replace(/ \(line \d+ column \d+\)$/, ''));
  expect(lines.slice(0, 2)).toEqual([`5 note: ${note}`, `6 note: ${note}`]);
  expect(lines).toHaveLength(3);
});

test('an axis that nothing uses is noted, and one that only a branch names is not', () => {
  const notes = notesOn(
    scenarioOf(`name: s
summary: s
matrix: { containerd: [1.6.4], contanerd: [1.6.3], mode: [a], kind: [b] }
node: { containerd: '\${matrix.containerd}' }
steps: [{ run-pod: web, when: { mode: a }, expect: { when: { kind: b }, ok: true } }]
`),
  );
  expect(notes.map(({ message }) => message)).toEqual([
    'note: nothing in this file takes a value of the axis "contanerd", so that its runs are all the same',
  ]);
});

test('valid JSON is not noted, whatever is filled in later', () => {
  const files = `a.conf: { name: a }, b.conflist: '{ "mtu": \${matrix.mtu}, "x": "\${matrix.mtu} $\${y}" }'`;
  expect(notesFor(files)).toEqual([
    '6 note: /etc/cni/net.d/x.conf is not JSON, and is written as it is: Unexpected end of JSON input',
  ]);
});

test('tables for another generation of the runtime are noted once, with the versions that may skip them', () => {
  const scenario = scenarioOf(`name: s
summary: s
matrix: { containerd: [1.6.4, 2.1.9, 2.4.2], x: [a, b] }
node:
  containerd: \${matrix.containerd}
  runtime-config: { plugins: { io.containerd.grpc.v1.cri: { x: '\${matrix.x}' } } }
steps: [{ run-pod: web }]
`);
  const plan = planScenarios([scenario], OPTIONS);
  if (!plan.ok) return expect.fail('a plan');
  const notes = notesOnConfig(plan.value, { scenarios: [scenario], runtimes: RUNTIMES });
  expect(notes.map(({ place, message }) => `${place.line} ${message}`)).toEqual([
    '6 note: with containerd 2.1.9, containerd 2.4.2: plugins."io.containerd.grpc.v1.cri" is a table of containerd 1.x and may not be read; `cri: { … }` in runtime-config goes to the table that each version reads',
  ]);
});

test('tables that would be skipped on a runtime from the command line are noted too', () => {
  const scenario = scenarioOf(`name: s
summary: s
matrix: { containerd: [1.6.3, 1.6.4] }
node:
  containerd: \${matrix.containerd}
  runtime-config: { plugins: { io.containerd.grpc.v1.cri: { x: 1 } } }
steps: [{ replace-runtime: 1.6.36 }, { replace-runtime: 2.4.2 }]
`);
  const plan = planScenarios([scenario], OPTIONS);
  if (!plan.ok) return expect.fail('a plan');
  const notes = notesOnConfig(plan.value, { scenarios: [scenario], runtimes: RUNTIMES });
  const note = 'plugins."io.containerd.grpc.v1.cri" is a table of containerd 1.x and may not be read';
  expect(notes.map(({ place, message }) => `${place.line} ${message}`)).toEqual(
    ['1.6.3', '1.6.4'].map(
      (version) =>
        `6 note: with containerd 2.4.2: ${note}; replace-runtime leaves the file as it was written for containerd ${version}`,
    ),
  );
});
