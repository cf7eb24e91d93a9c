import { expect, test } from 'vitest';
import { mistakesOf } from './read.ts';

const messagesOf = (node: string, steps: string): readonly string[] =>
  mistakesOf(`name: s\nsummary: s\nnode: { containerd: 1.6.4, ${node} }\nsteps: [${steps}]\n`)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:\d+:\d+ /, ''));

test.each([
  [
    'cni-plugins: { set: 1.1.1, brdige: 0.9.1 }',
    '{ run-pod: web }',
    'no release has a plugin "brdige"; did you mean "bridge"?',
  ],
  [
    'cni-plugins: 1.1.1',
    '{ remove-plugins: [bridg] }',
    '"bridg" is no standard plugin, and nothing in this file calls it; did you mean "bridge"?',
  ],
  [
    'cni-plugins: 1.1.1',
    '{ fake-plugin: { plugin: brigde, script: x } }',
    '"brigde" is no standard plugin, and nothing in this file calls it; did you mean "bridge"?',
  ],
  [
    'cni-config: { a.conf: { name: a, type: my-own } }',
    '{ fake-plugin: { plugin: my-onw, script: x } }',
    '"my-onw" is no standard plugin, and nothing in this file calls it; did you mean "my-own"?',
  ],
  [
    'cni-plugins: 1.1.1',
    '{ remove-plugins: [xyzzy] }',
    '"xyzzy" is no standard plugin, and nothing in this file calls it; name it in a conflist, or correct it',
  ],
  [
    'cni-config: { 10-net.conf: { name: a } }',
    '{ remove-cni-config: 10-nte.conf }',
    'nothing in this file writes "10-nte.conf"; did you mean "10-net.conf"?',
  ],
])('with %s, %s is a mistake', (node, steps, message) => {
  expect(messagesOf(node, steps)).toEqual([message]);
});

test.each([
  [
    'a type, an ipam or a delegate of a conflist',
    'cni-config: { a.conf: { plugins: [{ type: x, ipam: { type: y }, delegates: [{ type: z }] }] } }',
    ['x', 'y', 'z'],
  ],
  [
    'a conflist that is a text, broken or not',
    `cni-config: { a.conf: '{ "type": "x", "ipam" { "type": y' }`,
    ['x', 'y'],
  ],
  ["a plugin of the user's own", 'cni-plugins: { set: 1.1.1, x: local:./bin }', ['x']],
  ['a standard one that this set may not have', 'cni-plugins: none', ['bridge', 'flannel', 'tap']],
])('%s has a name that steps can take', (_what, node, names) => {
  const steps = names.map(
    (name) => `{ fake-plugin: { plugin: ${name}, script: '' } }, { remove-plugins: ${name} }`,
  );
  expect(messagesOf(node, steps.join(', '))).toEqual([]);
});

test('a plugin that a later step writes or a script calls is known too', () => {
  const steps = `{ fake-plugin: { plugin: x, script: '' } }, { write-cni-config: { a.conf: { type: x } } },
    { fake-plugin: { plugin: bridge, script: 'exec /opt/cni/bin/y' } }, { fake-plugin: { plugin: y, script: '' } },
    { exec: [cp, /bin/true, /opt/cni/bin/z] }, { remove-plugins: z }, { remove-cni-config: [a.conf, 99-no-such.conflist] }`;
  expect(messagesOf('cni-plugins: none', steps)).toEqual([]);
});
