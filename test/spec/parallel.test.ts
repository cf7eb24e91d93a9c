import { expect, test } from 'vitest';

import { mistakesOf, scenarioOf } from './read.ts';

const NODE = 'name: s\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps:\n';

/** The mistakes in the steps, each as one line, without positions. */
const mistakesIn = (steps: string): readonly string[] =>
  mistakesOf(`${NODE}${steps}`)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:\d+:\d+ /, ''));

const together = (...steps: readonly string[]) =>
  `  - parallel:\n${steps.map((step) => `      - ${step}\n`).join('')}`;

test('steps of a group have numbers of their own and come before it', () => {
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

test('what one step makes is not known to the others, but is known afterwards', () => {
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

test('a group has at least two steps of one command, no other group, and one node', () => {
  expect(mistakesIn(together("exec: ['true']", 'kill-runtime:'))).toEqual([
    'only steps that run one command can be started at the same time; kill-runtime does not',
  ]);
  expect(mistakesIn(together("exec: ['true']"))).toHaveLength(1);
  expect(mistakesIn(together("exec: ['true']", "parallel: [{ exec: ['true'] }]"))[0]).toContain(
    'a step of "parallel" has exactly one of run-pod, ',
  );
  expect(mistakesIn(together("exec: ['true']", "{ exec: ['true'], background: slow }"))[0]).toContain(
    'unknown key "',
  );
  expect(mistakesIn(`${together("exec: ['true']", "exec: ['true']")}    timeout: 5s\n`)).toEqual([
    'there is no "timeout" here: each of the steps has its own',
  ]);
});

test('expectations about the node belong to the group, and those about a command do not', () => {
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

test('calls can be expected of a step only if no other step of the group is about its pod', () => {
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

const NODES = NODE.replace(
  'node: { containerd: 1.6.4 }',
  'nodes: { left: { containerd: 1.6.4 }, right: { containerd: 1.6.4 } }',
);
const mistakesOnNodes = (steps: string): readonly string[] =>
  mistakesOf(`${NODES}${steps}`)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:\d+:\d+ /, ''));

test('a group with steps on several nodes is a step on each of them, with the expectations about it', () => {
  const { steps } = scenarioOf(
    `${NODES}${together('{ run-pod: a, on: right }', '{ run-pod: b, on: left }', '{ run-pod: c, on: right }')}` +
      '    expect: [{ on: left, left-behind: none }, { on: right, pods: none }]\n',
  );
  expect(
    steps.map(({ number, on, action, expect: wanted }) => [
      `${number}-${action.do}`,
      on,
      wanted.map(({ leftBehind, pods }) => (leftBehind === undefined ? pods : 'left-behind')),
    ]),
  ).toEqual([
    ['1.1-run-pod', 'right', []],
    ['1.2-run-pod', 'left', []],
    ['1.3-run-pod', 'right', []],
    ['1-parallel', 'right', ['none']],
    ['1-parallel', 'left', ['left-behind']],
  ]);
});

test('the node stands at the group or at each of its steps, and then at each expectation of the group', () => {
  const a = '{ run-pod: a, on: left }';
  const b = '{ run-pod: b, on: right }';
  expect(mistakesOnNodes(`${together(a, b)}  - { stop-pod: a, on: left }\n`)).toEqual([]);
  expect(mistakesOnNodes(`${together('run-pod: a', 'run-pod: b')}    on: left\n`)).toEqual([]);
  expect(mistakesOnNodes(together('run-pod: a', 'run-pod: b'))).toEqual([
    'a step says which node it is about: on: left or right',
  ]);
  expect(mistakesOnNodes(together(a, 'run-pod: b'))).toEqual([
    'the other steps of this "parallel" say on which node they are: on: left',
  ]);
  expect(mistakesOnNodes(`${together(a, b)}    on: left\n`)).toContain(
    '"on" stands once, of the "parallel", or in each of its steps',
  );
  expect(mistakesOnNodes(together(a, '{ run-pod: b, on: middle }'))).toEqual([
    'there is no node "middle"; known: left, right',
  ]);
  expect(mistakesOnNodes(`${together(a, b)}    expect: { pods: none }\n`)).toEqual([
    'its steps are on several nodes; say which one this is about: on: left or right',
  ]);
  expect(
    mistakesOnNodes(`${together(a, a.replace('a,', 'c,'))}    expect: { on: right, pods: none }\n`),
  ).toEqual(['none of its steps is on right']);
  expect(
    mistakesOnNodes(
      `${together('run-pod: a', 'run-pod: b')}    on: left\n    expect: { on: left, pods: none }\n`,
    ),
  ).toEqual(['its steps are on one node; leave "on" out']);
  expect(mistakesIn(together(a, 'run-pod: b'))).toContain(
    'this file has one node, which has no name: leave "on" out',
  );
});

test('a pod of one node is none of another, also when both are started at once', () => {
  const group = together('{ run-pod: a, on: left }', '{ run-pod: b, on: right }');
  expect(mistakesOnNodes(`${group}  - { stop-pod: b, on: left }\n`)).toEqual([
    '"b" is on right, and this is about left',
  ]);
  expect(
    mistakesOnNodes(together('{ run-pod: b, on: left }', "{ exec: [ping, '${b.ip}'], on: right }")),
  ).toEqual(['"b" is made by another step of this "parallel", which is started at the same time']);
});
