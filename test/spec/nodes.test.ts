import { expect, test } from 'vitest';

import { mistakesOf, scenarioOf } from './read.ts';

const NODES = 'name: s\nsummary: s\nnodes: { left: { containerd: 1.6.4 }, right: { containerd: 2.4.2 } }\n';
const NODE = 'name: s\nsummary: s\nnode: { containerd: 1.6.4 }\n';

/** The position and the message of each mistake. */
const messagesOf = (text: string): readonly string[] =>
  mistakesOf(text)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:/, ''));

test('nodes have names, and each step and each expectation of the end is about one of them', () => {
  const {
    nodes,
    steps,
    expect: end,
  } = scenarioOf(`${NODES}steps:
  - { run-pod: web, on: left }
  - { exec: [ip, addr], on: right }
expect: [{ on: left, pods: none }, { on: right, left-behind: none }]
`);
  expect(nodes.map(({ name, runtime }) => [name, runtime.version.text])).toEqual([
    ['left', '1.6.4'],
    ['right', '2.4.2'],
  ]);
  expect(steps.map(({ on }) => on)).toEqual(['left', 'right']);
  expect(end.map(({ on }) => on)).toEqual(['left', 'right']);
});

test('with several nodes each step has to name its node', () => {
  expect(messagesOf(`${NODES}steps: [{ run-pod: web }]\n`)).toEqual([
    '4:9 a step says which node it is about: on: left or right',
  ]);
  expect(messagesOf(`${NODES}steps: [{ run-pod: web, on: rigth }]\n`)).toEqual([
    '4:29 there is no node "rigth"; did you mean "right"? known: left, right',
  ]);
  expect(messagesOf(`${NODES}steps: [{ run-pod: web, on: left }]\nexpect: { pods: none }\n`)).toEqual([
    '5:9 an expectation of the end says which node it is about: on: left or right',
  ]);
});

test('a single node has no name', () => {
  expect(messagesOf(`${NODE}steps: [{ run-pod: web, on: left }]\n`)).toEqual([
    '4:29 this file has one node, which has no name: leave "on" out',
  ]);
  expect(
    messagesOf(
      'name: s\nsummary: s\nnodes: { a: { containerd: 1.6.4 } }\nsteps: [{ run-pod: web, on: a }]\n',
    ),
  ).toEqual(['3:8 these are several nodes; a single one is "node", without a name']);
  expect(messagesOf(`${NODE}${NODES.split('\n')[2] ?? ''}\nsteps: [{ run-pod: web, on: left }]\n`)).toEqual([
    '1:1 "node" is the only node, and "nodes" are several by name; one of them has to go',
  ]);
  expect(messagesOf('name: s\nsummary: s\nsteps: [{ run-pod: web }]\n')).toEqual(['1:1 "node" is missing']);
});

test('a pod and its containers are on the node where the pod was run', () => {
  expect(
    messagesOf(`${NODES}steps:
  - { run-pod: web, on: left }
  - { stop-pod: web, on: right }
  - { run-pod: web, on: right }
  - { create-container: { container: app, pod: web, command: [sh] }, on: left }
  - { start-container: app, on: right }
  - { connect: { from: web, to: '\${web.ip}:80' }, on: right }
  - { exec: [ping, '\${web.ip}'], on: right, expect: { pods: { web: { state: ready } } } }
`),
  ).toEqual([
    '6:17 "web" is on left, and this is about right',
    '7:16 "web" is on left, and this is about right',
    '9:24 "app" is on left, and this is about right',
    '10:24 "web" is on left, and this is about right',
    '11:63 "web" is on left, and this is about right',
  ]);
});

test('a control of a start or an end names one of several nodes', () => {
  const control = (more: string) =>
    `${NODES}control: { outcome: fail, finding: ok, ${more}, message: x }\nsteps: [{ run-pod: web, on: left }]\n`;
  expect(messagesOf(control('step: end, on: right'))).toEqual([]);
  expect(messagesOf(control('step: 1-run-pod'))).toEqual([]);
  expect(messagesOf(control('step: end'))).toEqual([
    '4:46 each node has its own end; "on" says which: left, right',
  ]);
  expect(messagesOf(control('step: start, on: rigth'))).toEqual([
    '4:57 there is no node "rigth"; did you mean "right"? known: left, right',
  ]);
});
