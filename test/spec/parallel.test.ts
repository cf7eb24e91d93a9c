import { expect, test } from 'vitest';

import { mistakesOf, scenarioOf } from './read.ts';

const NODE = 'name: s\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps:\n';

/** Of the mistakes in the steps, each as one line, without their places. */
const mistakesIn = (steps: string): readonly string[] =>
  mistakesOf(`${NODE}${steps}`)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:\d+:\d+ /, ''));

const together = (...steps: readonly string[]) =>
  `  - parallel:\n${steps.map((step) => `      - ${step}\n`).join('')}`;

test('steps of a group have numbers of their own, and stand before it', () => {
  const { steps } = scenarioOf(
    `${NODE}  - run-pod: a\n${together('run-pod: b', '{ stop-pod: a, timeout: 5s }')}    when: { containerd: '<2' }\n  - stop-pod: b\n`,
  );
  expect(steps.map(({ number, action, within }) => [number, action.do, within])).toEqual([
    ['1', 'run-pod', undefined],
    ['2.1', 'run-pod', { number: '2', when: { containerd: '<2' } }],
    ['2.2', 'stop-pod', { number: '2', when: { containerd: '<2' } }],
    ['2', 'parallel', undefined],
    ['3', 'stop-pod', undefined],
  ]);
});

test('what one makes is not known to another, and known afterwards', () => {
  const early = '"b" is made by another step of this "parallel", which is started at the same time';
  expect(mistakesIn(`${together('run-pod: b', 'stop-pod: b')}`)).toEqual([early]);
  expect(mistakesIn(together('run-pod: b', "exec: [ping, '${b.ip}']"))).toEqual([early]);
  expect(
    mistakesIn(`${together('run-pod: a', 'run-pod: b')}    expect: { pods: { b: { state: ready } } }\n`),
  ).toEqual([]);
  expect(mistakesIn(together('run-pod: b', '{ run-pod: b }'))).toEqual([
    'two steps that are started at the same time make "b"; give them other names',
  ]);
});

test('only steps of one command, two at least, without another group, and on the node of the group', () => {
  expect(mistakesIn(together("exec: ['true']", 'kill-runtime:'))).toEqual([
    'only steps that run one command can be started at the same time; kill-runtime does not',
  ]);
  expect(mistakesIn(together("exec: ['true']"))).toHaveLength(1);
  expect(mistakesIn(together("exec: ['true']", "parallel: [{ exec: ['true'] }]"))[0]).toContain(
    'a step of "parallel" has exactly one of run-pod, ',
  );
  for (const key of ['on: left', 'background: slow'])
    expect(mistakesIn(together("exec: ['true']", `{ exec: ['true'], ${key} }`))[0]).toContain(
      'unknown key "',
    );
  expect(mistakesIn(`${together("exec: ['true']", "exec: ['true']")}    timeout: 5s\n`)).toEqual([
    'there is no "timeout" here: each of the steps has its own',
  ]);
});

test('what is about the node is expected of the group, and what is about a command is not', () => {
  for (const [key, value] of Object.entries({
    runtime: 'running',
    'network-ready': 'true',
    pods: 'none',
    'left-behind': 'none',
    log: 'x',
    'no-log': 'x',
  }))
    expect(mistakesIn(together('run-pod: a', `{ run-pod: b, expect: { ${key}: ${value} } }`))).toEqual([
      `"${key}" is about the node and all of these steps; write it in the "expect" of "parallel"`,
    ]);
  const group = (wanted: string) => `${together('run-pod: a', 'run-pod: b')}    expect: { ${wanted} }\n`;
  for (const key of [
    'ok: true',
    'timed-out: true',
    'error: x',
    'output: x',
    'exit-code: 1',
    'pod: { ips: 1 }',
  ])
    expect(mistakesIn(group(key))).toEqual([
      `"${key.split(':')[0]}" is about one step; write it in the "expect" of that one`,
    ]);
  expect(mistakesIn(group('left-behind: none, log: x, pods: none, calls: bridge ADD'))).toEqual([]);
});

test('calls are those of a pod that no other step of the group is about', () => {
  expect(mistakesIn(together('run-pod: a', '{ run-pod: b, expect: { calls: bridge ADD } }'))).toEqual([]);
  expect(mistakesIn(together('run-pod: a', "{ exec: ['true'], expect: { no-calls: bridge ADD } }"))).toEqual([
    'exec has no pod, so nobody knows which calls are its own; write "no-calls" in the "expect" of "parallel"',
  ]);
  expect(
    mistakesIn(
      `  - run-pod: a\n${together('stop-pod: a', '{ remove-pod: a, expect: { call-order: [bridge DEL, ptp DEL] } }')}`,
    ),
  ).toEqual([
    'another of these steps is about "a", too, so nobody knows which calls are its own; write "call-order" in the "expect" of "parallel"',
  ]);
});
