import { expect, test } from 'vitest';
import { mistakesOf, scenarioOf } from './read.ts';

const BYTES = Buffer.from([0x7b, 0xff, 0x7d]);
const text = `name: s
summary: s
node:
  containerd: 1.6.4
  cni-config: { a.conf: { from: ./a.conf }, b.conf: { from: b } }
  files: { /opt/run: { from: ./run, mode: 0755 } }
steps:
  - write-cni-config: { c.conf: { from: b } }
  - fake-plugin: { plugin: bridge, script: { from: ./run } }
`;

test('a file beside a scenario is used unchanged, whatever its bytes', () => {
  const {
    nodes: [node],
    steps,
  } = scenarioOf(text, 's.yaml', {
    './a.conf': '\ufeff{ "name": "${x}" }\n',
    b: BYTES,
    './run': '#!/bin/sh\necho ${HOME}\n',
  });
  const at = (line: number, column: number) => ({ file: 's.yaml', line, column });
  const bytes = { content: BYTES.toString('base64'), encoding: 'base64' };
  const script = '#!/bin/sh\necho $${HOME}\n';
  expect([node?.cniConfig, node?.files, ...steps.map(({ action }) => action)]).toEqual([
    [
      { name: 'a.conf', content: '\ufeff{ "name": "$${x}" }\n', place: at(5, 17) },
      { name: 'b.conf', ...bytes, place: at(5, 45) },
    ],
    [{ name: '/opt/run', content: script, mode: 0o755, place: at(6, 12) }],
    { do: 'write-cni-config', files: [{ name: 'c.conf', ...bytes, place: at(8, 25) }] },
    { do: 'fake-plugin', plugin: 'bridge', script: { content: script } },
  ]);
});

test('a file that cannot be used is a mistake at its position', () => {
  const mistakes = mistakesOf(text.replace('from: b }', "from: './${x}' }"), {
    './run': '',
    b: Buffer.alloc(2 ** 20 + 1),
  });
  expect(mistakes.split('\n').filter((line) => line.startsWith('s.yaml'))).toEqual([
    's.yaml:5:33 ./a.conf cannot be read: there is none',
    's.yaml:5:61 a path is plain text; got "./${x}"',
    's.yaml:8:41 b has 1048577 bytes; a file that is taken in has at most 1048576',
  ]);
});
