import { expect, test } from 'vitest';
import { formatDiagnostic } from '../../lab/spec/diagnostic.ts';
import { fileText } from '../../lab/spec/yaml-file.ts';
import { mistakesOf, scenarioOf } from './read.ts';

const HEAD = 'name: s\nsummary: s\nnode: { containerd: 1.6.4 }\n';

/** The position and the message of each mistake. */
const messagesOf = (text: string): readonly string[] =>
  mistakesOf(text)
    .split('\n')
    .filter((line) => line.startsWith('s.yaml:'))
    .map((line) => line.replace(/^s\.yaml:/, ''));

test.each([
  ['run_pod: web', 'a step cannot have "run_pod"; did you mean "run-pod"?'],
  ['runpod: web', 'a step cannot have "runpod"; did you mean "run-pod"?'],
  [
    'shell: ip addr',
    `a step cannot have "shell"; a shell is a program like any other: exec: [sh, -c, 'ip addr | grep cni0']`,
  ],
  [
    'sleep: 2s',
    `a step cannot have "sleep"; wait for what is wanted, with wait-for; time alone passes with exec: [sleep, '2']`,
  ],
  ['delete-pod: web', 'a step cannot have "delete-pod"; use remove-pod'],
  ['stop-containerd:', 'a step cannot have "stop-containerd"; use stop-runtime'],
  ['kill-containerd:', 'a step cannot have "kill-containerd"; use kill-runtime'],
  ['start-containerd:', 'a step cannot have "start-containerd"; use start-runtime'],
  ['replace-containerd: 1.6.4', 'a step cannot have "replace-containerd"; use replace-runtime'],
  ['restart-runtime:', 'a step cannot have "restart-runtime"; use stop-runtime, then start-runtime'],
])('a step %s says what is meant', (step, message) => {
  expect(messagesOf(`${HEAD}steps: [{ ${step} }]\n`)).toEqual([`4:11 ${message}`]);
});

test.each([
  ['exec: ip addr show', "[ip, addr, show], or [sh, -c, 'ip addr show']"],
  ["exec: 'ip addr | grep ''cni0'''", "[sh, -c, 'ip addr | grep ''cni0''']"],
  ['exec: { argv: sleep 2 }', "[sleep, '2'], or [sh, -c, 'sleep 2']"],
  ['wait-for: { command: test -e /run/x }', "[test, '-e', /run/x], or [sh, -c, 'test -e /run/x']"],
])('%s shows the list', (step, list) => {
  expect(mistakesOf(`${HEAD}steps: [{ ${step} }]\n`)).toContain(
    `a command is a list of words, as no shell reads it: write ${list}\n`,
  );
});

test.each([
  ['exec: { command: [ip, addr] }', '4:19 there is no "command" here: it is called argv'],
  [
    'exec: [ip], expect: { error: { matches: x.* } }',
    '4:42 there is no "matches" here: texts are exact, and what varies is captured, as ${x:number}; a part is { contains: …, why: … }',
  ],
  [
    "connect: { from: node, to: '10.0.0.1:80', timeout: 5s }",
    '4:53 there is no "timeout" here: write answer-within, for how long it waits for an answer',
  ],
  ['constructor: web', `4:11 a step has exactly one of`],
])('%s is one mistake with its way out', (step, message) => {
  const messages = messagesOf(`${HEAD}steps: [{ ${step} }]\n`);
  expect([messages.length, messages[0]?.slice(0, message.length)]).toEqual([1, message]);
});

test.each([
  ['0s', 'nothing can be done in no time: wanted at least 1ms; got "0s"'],
  ['99999999999h', 'wanted at most 24h; got "99999999999h"'],
  ['24h1m', 'wanted a time such as 30s, 500ms, 2m or 1h; got "24h1m"'],
  ['5', 'wanted a time such as 30s, 500ms, 2m or 1h; got 5'],
])('a time-out of %s is a mistake', (time, message) => {
  expect(messagesOf(`${HEAD}steps: [{ run-pod: web, timeout: ${time} }]\n`)).toEqual([`4:34 ${message}`]);
});

test('a reference in brackets without quotes is one mistake, whatever YAML makes of it', () => {
  const text = `name: s
summary: s
matrix: { containerd: [1.6.4], mtu: [1500] }
node: { containerd: \${matrix.containerd}, cni-config: { a.conf: { mtu: \${matrix.mtu} } } }
steps: [{ run-pod: web }, { exec: [echo, \${web.ip}] }]
`;
  const needsQuotes = (reference: string) =>
    `within { } and [ ], ${reference} needs quotes: '${reference}'. For a number, which quotes would make a text, write the mapping on lines of its own`;
  expect(messagesOf(text)).toEqual([
    `4:21 ${needsQuotes('${matrix.containerd}')}`,
    `4:72 ${needsQuotes('${matrix.mtu}')}`,
    `5:42 ${needsQuotes('${web.ip}')}`,
  ]);
});

test.each([
  [
    'several documents',
    `${HEAD}steps: [{ run-pod: web }]\n---\nname: t\n`,
    '5:1 a file holds one scenario; put what begins here into a file of its own',
  ],
  [
    'a control character',
    `${HEAD}steps: [{ run-pod: web, note: 'a\0b' }]\n`,
    '4:33 the control character U+0000 cannot stand in a YAML file',
  ],
  [
    'a NUL in a word',
    `${HEAD}steps: [{ exec: ["a\\0b"] }]\n`,
    '4:18 no word of a command can hold the character U+0000',
  ],
  [
    'a long name',
    `name: ${'a'.repeat(64)}\nsummary: s\nnode: { containerd: 1.6.4 }\nsteps: [{ run-pod: web }]\n`,
    '1:7 a name has at most 63 characters; this one has 64',
  ],
  [
    'too many steps',
    `${HEAD}steps: [${'{ run-pod: web },'.repeat(1001)}]\n`,
    '4:8 wanted at most 1000; this list has 1001',
  ],
  [
    'a file without a name',
    'name: s\nsummary: s\nnode: { containerd: 1.6.4, cni-config: { "": y } }\nsteps: [{ run-pod: web }]\n',
    '3:42 wanted the name of a file in /etc/cni/net.d; got ""',
  ],
  [
    'a NUL in a path',
    'name: s\nsummary: s\nnode: { containerd: 1.6.4, files: { "/etc/a\\0b": y } }\nsteps: [{ run-pod: web }]\n',
    '3:37 wanted an absolute path of a file; got "/etc/a\\u0000b"',
  ],
])('%s is a mistake', (_what, text, message) => {
  expect(messagesOf(text)).toEqual([message]);
});

test('a matrix of a billion cells is rejected before the cells are made', () => {
  const axis = `[${Array.from({ length: 1000 }, (_, index) => index).join()}]`;
  const text = `name: s\nsummary: s\nmatrix: { a: ${axis}, b: ${axis}, c: ${axis} }\nnode: { containerd: 1.6.4 }\nsteps: [{ run-pod: web }]\n`;
  expect(messagesOf(text)).toEqual([
    '3:9 the matrix has 1000000000 combinations; a scenario has at most 10000',
  ]);
});

test('keys that begin with x- can hold anchors', () => {
  const { nodes } = scenarioOf(
    'x-net: &net { name: net }\nname: s\nsummary: s\nnode: { containerd: 1.6.4, cni-config: { a.conf: *net } }\nsteps: [{ run-pod: web }]\n',
  );
  expect(nodes[0]?.cniConfig[0]?.content).toBe('{\n  "name": "net"\n}\n');
});

test('bytes that are not UTF-8 are rejected at their position, and so is a file that is too long', () => {
  const read = (bytes: Uint8Array) => {
    const text = fileText({ file: 's.yaml', bytes });
    return text.ok ? text.value : formatDiagnostic(text.error);
  };
  expect(read(Buffer.from('name: latin\nsummary: caf\xe9\n', 'latin1')))
    .toBe(`s.yaml:2:13 this is not UTF-8, which a scenario file has to be; save it as UTF-8
    summary: caf\ufffd
                ~`);
  expect(read(new Uint8Array(2 ** 20 + 1))).toBe(
    's.yaml:1:1 the file has 1048577 bytes; a scenario file has at most 1048576',
  );
  expect(read(Buffer.from('\ufeffname: bom\n'))).toBe('name: bom\n');
});
