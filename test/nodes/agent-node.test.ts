import { expect, test } from 'vitest';

import { openAgentLink, agentNode } from '../../lab/nodes/agent-link.ts';
import type { Recorded } from '../../lab/core/recorded.ts';
import type { LabNode } from '../../lab/nodes/node.ts';
import { fakeAgent, type FakeAgent } from '../rig/fake-agent.ts';
import { fakeArtifact } from '../rig/fake-node.ts';

function nodeOver(agent: FakeAgent): LabNode {
  return agentNode('lab-1', openAgentLink('lab-1', agent.stream), async ({ key }) => `/lab/artifacts/${key}`);
}

/**
 * The reason of a rejection. It must be requested at once, because the promise may be rejected before the test looks.
 */
const failure = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'it worked', String);

const TRUE =
  '{"argv":["true"],"exitCode":0,"signal":null,"stdout":"é","stderr":"","durationMs":1,"timedOut":false}';

test('a request is one line, and its reply may come in pieces', async () => {
  const agent = fakeAgent();
  const result = nodeOver(agent).exec(['true'], { stdin: 'two\nlines', timeoutMs: 50 });
  await agent.say('{"event":"ready"}\n{"id":1,"ok":true,', `"result":${TRUE}`, '}\n');
  expect(await result).toEqual({
    argv: ['true'],
    exitCode: 0,
    signal: null,
    stdout: 'é',
    stderr: '',
    durationMs: 1,
    timedOut: false,
  });
  expect(agent.requests).toEqual([
    '{"id":1,"op":"exec","argv":["true"],"stdin":"two\\nlines","timeoutMs":50}',
  ]);
});

test('replies find their requests in any order', async () => {
  const agent = fakeAgent();
  const node = nodeOver(agent);
  const both = Promise.all([node.readFile('/a'), node.readFile('/b', 5)]);
  await agent.say(
    '{"id":2,"ok":true,"result":{"content":"b"}}\n{"id":1,"ok":true,"result":{"content":"a"}}\n',
  );
  expect(await both).toEqual(['a', 'b']);
});

test('what the agent could not do is a LabError with the node’s name', async () => {
  const agent = fakeAgent();
  const missing = failure(nodeOver(agent).readFile('/none'));
  await agent.say('{"id":1,"ok":false,"error":"open /none: no such file or directory"}\n');
  expect(await missing).toBe('LabError: lab-1: open /none: no such file or directory');
});

test('the end of a background process is seen even if it comes with the reply', async () => {
  const agent = fakeAgent();
  const started = nodeOver(agent).start(['containerd'], { logPath: '/log' });
  await agent.say(
    '{"id":1,"ok":true,"result":{"pid":9}}\n{"event":"ended","start":1,"exitCode":2,"signal":null}\n',
  );
  const { pid, ended } = await started;
  expect({ pid, end: await ended }).toEqual({ pid: 9, end: { exitCode: 2, signal: null } });
});

test('a node that dies fails every pending and later request, with the reason', async () => {
  const agent = fakeAgent({ why: 'killed by the kernel' });
  const node = nodeOver(agent);
  const waiting = failure(node.look());
  await agent.say('{"event":"ready"}\n');
  await agent.die();
  expect(await waiting).toBe('LabError: lab-1 is gone: killed by the kernel');
  expect(await failure(node.usage())).toBe('LabError: lab-1 is gone: killed by the kernel');
});

test('a node that ends before it is ready did not start', async () => {
  const agent = fakeAgent({ why: 'could not mount tmpfs on /x: operation not permitted' });
  const link = openAgentLink('lab-1', agent.stream);
  await agent.die();
  await expect(link.ready).rejects.toThrow(
    'node lab-1 did not start: could not mount tmpfs on /x: operation not permitted',
  );
});

test('a line that is not in the protocol ends the node: nothing after it can be trusted', async () => {
  const agent = fakeAgent();
  const waiting = failure(nodeOver(agent).look());
  await agent.say('panic: oh no\n');
  expect(await waiting).toBe(
    'LabError: the agent of lab-1 sent an unknown message: not a message: panic: oh no',
  );
});

test('a request to a node that does not answer times out', async () => {
  const agent = fakeAgent();
  const link = openAgentLink('lab-1', agent.stream);
  const silent = link.request({ op: 'look' }, () => ({ ok: true, value: 0 }), { answerWithinMs: 10 });
  await expect(silent).rejects.toThrow('lab-1 did not answer "look" within 10 ms');
});

test('records go to the request that asked for them, in order, also those that come with the reply', async () => {
  const agent = fakeAgent();
  const seen: Recorded[] = [];
  const recording = nodeOver(agent).record(fakeArtifact('node-tools', 'cni-recorder'), (record) => {
    seen.push(record);
  });
  await new Promise(setImmediate); // the programs are provided first
  const recorded = (name: string) =>
    `{"event":"recorded","start":1,"record":{"kind":"netns","change":"appeared","name":"${name}","time":"t"}}\n`;
  await agent.say(`{"id":1,"ok":true,"result":{}}\n${recorded('a')}`, recorded('b'));
  await recording;
  expect(agent.requests).toEqual([
    '{"id":1,"op":"record","path":"/lab/artifacts/node-tools/bin/cni-recorder"}',
  ]);
  expect(seen).toEqual([
    { kind: 'netns', change: 'appeared', name: 'a', time: 't' },
    { kind: 'netns', change: 'appeared', name: 'b', time: 't' },
  ]);
});
