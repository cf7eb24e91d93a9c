import { expect, test } from 'vitest';

import { mistakesOf, scenarioOf } from './read.ts';

const NODE = 'name: s\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps:\n';
const NODES =
  'name: s\nsummary: s\nnodes: { left: { containerd: 1.6.4 }, right: { containerd: 2.4.2 } }\nsteps:\n';

/** The first line of each mistake. */
const messagesOf = (text: string): readonly string[] =>
  mistakesOf(text)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:/, ''));

test('a background step has a name, and later steps wait for it or kill it', () => {
  const { steps } = scenarioOf(`${NODE}
  - { exec: [sleep, '5'], background: slow }
  - { wait-for: { background: slow } }
  - { kill: slow }
`);
  expect(steps.map(({ background, action }) => [action.do, background])).toEqual([
    ['exec', 'slow'],
    ['wait-for', undefined],
    ['kill', undefined],
  ]);
});

test('a name that no step has, or that two steps have, is a mistake', () => {
  expect(messagesOf(`${NODE}  - { kill: slow }\n`)).toEqual([
    '5:13 no step before this goes on in the background as "slow", and no listener has that name; none so far',
  ]);
  expect(
    messagesOf(`${NODE}  - { run-pod: web, background: slow }\n  - { wait-for: { background: slwo } }\n`),
  ).toEqual([
    '6:31 no step before this goes on in the background as "slwo"; did you mean "slow"? known: slow',
  ]);
  expect(
    messagesOf(`${NODE}  - { exec: [a], background: slow }\n  - { exec: [b], background: slow }\n`),
  ).toEqual(['6:30 the step in line 5 is called "slow" already; take another name']);
});

test('only a step that runs one command can run in the background', () => {
  for (const step of [
    'stop-runtime: ',
    'remove-files: /etc/motd',
    'stop-listed-pods: ',
    'wait-for: { command: [a] }',
  ])
    expect(messagesOf(`${NODE}  - ${step}\n    background: slow\n`)).toEqual([
      expect.stringContaining('only a step that runs one command goes on in the background; '),
    ]);
});

test('what a background step makes is known to the step itself, and to later steps after a wait', () => {
  const file = (between: string) =>
    `${NODE}  - { run-pod: web, background: slow, expect: { error: '\${web.id}' } }\n${between}  - { stop-pod: web }\n`;
  const early = [
    '6:17 "web" is made by a step in the background; wait for it first, with wait-for: { background: slow }',
  ];
  expect(messagesOf(file(''))).toEqual(early);
  expect(messagesOf(file('  - { wait-for: { background: slow } }\n'))).toEqual([]);
  expect(messagesOf(file('  - { kill: slow }\n'))).toEqual([]);
  expect(
    messagesOf(`${NODE}  - { run-pod: web, background: slow }\n  - { exec: [ping, '\${web.ip}'] }\n`),
  ).toEqual([`6:21 ${early[0]?.slice('6:17 '.length) ?? ''}`]);
  expect(
    messagesOf(
      `${NODE}  - { run-pod: web, background: slow }\nexpect: { pods: { web: { state: ready } } }\n`,
    ),
  ).toEqual([]);
});

test('a listener with a name can be killed but not waited for', () => {
  const listen = '{ listen: { in: node, port: 80, answer: hello, name: server } }';
  expect(messagesOf(`${NODE}  - ${listen}\n  - { kill: server }\n`)).toEqual([]);
  expect(messagesOf(`${NODE}  - ${listen}\n  - { wait-for: { background: server } }\n`)).toEqual([
    '6:31 no step before this goes on in the background as "server"; none so far',
  ]);
  expect(messagesOf(`${NODE}  - ${listen}\n  - { exec: [a], background: server }\n`)).toEqual([
    '6:30 the step in line 5 is called "server" already; take another name',
  ]);
});

test('a listener is killed on its own node', () => {
  const listen = '{ listen: { in: node, port: 80, answer: hello, name: server }, on: left }';
  expect(messagesOf(`${NODES}  - ${listen}\n  - { kill: server, on: right }\n`)).toEqual([
    '6:13 "server" goes on on left, and this is about right',
  ]);
});

test('a background step is waited for on its own node', () => {
  expect(
    messagesOf(`${NODES}  - { exec: [a], on: left, background: slow }\n  - { kill: slow, on: right }\n`),
  ).toEqual(['6:13 "slow" goes on on left, and this is about right']);
});
