import { expect, test } from 'vitest';

import { mistakesOf, scenarioOf } from './read.ts';

const MATRIX = 'matrix: { containerd: [1.6.4], crio: [1.34.0] }\n';
const text = (node: string, matrix = '') =>
  `name: s\nsummary: s\n${matrix}node: ${node}\nsteps: [{ run-pod: web }]\n`;

test('the runtime of a node is the one that the file names', () => {
  const [node] = scenarioOf(text('{ crio: 1.34.0 }')).nodes;
  expect(node?.runtime).toMatchObject({ name: 'crio', version: { text: '1.34.0' } });
  expect(node).not.toHaveProperty('otherRuntime');
});

test('a node without a runtime is reported with all other mistakes', () => {
  const node = '{ crictl: v1.25.0, containerd-config: {} }';
  expect(mistakesOf(text(node))).toBe(`s.yaml:3:7 "containerd" or "crio" is missing
    node: ${node}
          ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
s.yaml:3:17 a version has no "v" before it: write "1.25.0"; got "v1.25.0"
    node: ${node}
                    ~~~~~~~
s.yaml:3:26 there is no "containerd-config" here: it is called runtime-config
    node: ${node}
                             ~~~~~~~~~~~~~~~~~
`);
});

test('two runtimes whose versions are two axes are runtimes of different cells', () => {
  const [node] = scenarioOf(
    text('{ containerd: "${matrix.containerd}", crio: "${matrix.crio}" }', MATRIX),
  ).nodes;
  expect(node).toMatchObject({ runtime: { name: 'containerd' }, otherRuntime: { name: 'crio' } });
});

test.each([
  ['two versions', '{ containerd: 1.6.4, crio: 1.34.0 }'],
  ['a version beside an axis', '{ containerd: 1.6.4, crio: "${matrix.crio}" }'],
  ['one axis for both', '{ containerd: "${matrix.crio}", crio: "${matrix.crio}" }'],
])('a node has one runtime: %s', (_, node) => {
  expect(mistakesOf(text(node, MATRIX)).split('\n')[0]).toBe(
    's.yaml:4:7 a node has one runtime: leave out "containerd" or "crio", or name an axis for each: containerd: ${matrix.containerd}, crio: ${matrix.crio}',
  );
});

test('nodes with two runtimes have the same axes', () => {
  const nodes = (second: string) => `name: s
summary: s
matrix: { containerd: [1.6.4], crio: [1.34.0], other: [1.24.0] }
nodes:
  left: { containerd: '\${matrix.containerd}', crio: '\${matrix.crio}' }
  right: ${second}
steps: [{ run-pod: web, on: left }]
`;
  expect(mistakesOf(nodes("{ containerd: '${matrix.containerd}', crio: '${matrix.other}' }"))).toContain(
    'nodes with two runtimes have the same two axes; here are ${matrix.containerd} and ${matrix.crio}, and ${matrix.containerd} and ${matrix.other}',
  );
  expect(
    scenarioOf(nodes("{ containerd: '${matrix.containerd}', crio: '${matrix.crio}' }")).nodes,
  ).toHaveLength(2);
});
