import { expect, test } from 'vitest';

import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { runtimeNamed } from '../../lab/spec/node-shape.ts';
import { YamlFile } from '../../lab/spec/yaml-file.ts';
import { mistakesOf, scenarioOf } from './read.ts';

const text = (node: string) => `name: s\nsummary: s\nnode: ${node}\nsteps: [{ run-pod: web }]\n`;

test('the runtime of a node is the one that stands there', () => {
  expect(scenarioOf(text('{ containerd: 1.6.4 }')).nodes[0]?.runtime).toMatchObject({
    name: 'containerd',
    version: { text: '1.6.4' },
  });
});

test('a node without one is told of with all else that is wrong', () => {
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

test.each([
  ['{ b: 1, a: 2 }', undefined, 's.yaml:1:1 a node has one runtime: leave out "a" or "b"'],
  ['{ c: 1 }', undefined, 's.yaml:1:1 "a" or "b" is missing'],
  ['{ c: 1, b: 2 }', 'b', undefined],
])('of two that there are, exactly one: %s', (node, name, mistake) => {
  const yaml = new YamlFile({ file: 's.yaml', text: node });
  expect(yaml.root && runtimeNamed(yaml.root, ['a', 'b'])).toBe(name);
  expect(yaml.mistakes.map(formatDiagnostic)[0]?.split('\n')[0]).toBe(mistake);
});
