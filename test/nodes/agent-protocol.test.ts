import { expect, test } from 'vitest';

import {
  parseAgentLine,
  parseCommandResult,
  parseNodeState,
  parseRuntimeStatus,
  parseUsage,
} from '../../lab/nodes/agent-protocol.ts';
import { err, ok } from '../../lab/core/lab-error.ts';

test.each([
  ['{"event":"ready"}', { kind: 'ready' }],
  ['{"id":3,"ok":true,"result":{"pid":7}}', { kind: 'result', id: 3, result: { pid: 7 } }],
  [
    '{"id":3,"ok":false,"error":"no such file"}',
    { kind: 'error', id: 3, error: 'no such file', cannotStart: false },
  ],
  [
    '{"event":"ended","start":3,"exitCode":null,"signal":"SIGKILL"}',
    { kind: 'ended', start: 3, end: { exitCode: null, signal: 'SIGKILL' } },
  ],
  [
    '{"event":"recorded","start":3,"record":{"kind":"netns","change":"appeared","name":"a","time":"t"}}',
    { kind: 'recorded', start: 3, record: { kind: 'netns', change: 'appeared', name: 'a', time: 't' } },
  ],
])('the line %s is understood', (line, message) => {
  expect(parseAgentLine(line)).toEqual(ok(message));
});

test.each([
  ['panic: oh', 'not a message: panic: oh'],
  ['[]', 'not a message: []'],
  ['{"id":"3","ok":true}', 'not a message: {"id":"3","ok":true}'],
  ['{"event":"ended","start":3}', 'not a message: {"event":"ended","start":3}'],
  [
    '{"event":"recorded","start":3,"record":{"kind":"netns"}}',
    'not a record: {"event":"recorded","start":3,"record":{"kind":"netns"}}',
  ],
])('the line %s is refused', (line, why) => {
  expect(parseAgentLine(line)).toEqual(err(why));
});

test('the result of a command is read completely or rejected', () => {
  const result = {
    argv: ['true'],
    exitCode: 0,
    signal: null,
    stdout: 'a',
    stderr: 'b',
    durationMs: 1.5,
    timedOut: false,
  };
  expect(parseCommandResult(result)).toEqual(ok(result));
  expect(parseCommandResult({ ...result, exitCode: '0' })).toEqual(
    err(expect.stringMatching(/^not the result of a command: /)),
  );
  expect(parseCommandResult({ ...result, argv: [1] })).toEqual(
    err(expect.stringMatching(/^not the result of a command: /)),
  );
});

test('a state with an unknown kind is rejected', () => {
  const state = {
    items: [{ kind: 'veth', name: 'veth1', detail: { a: 'b' } }],
    unseen: [{ kind: 'sandbox', why: 'no socket' }],
    conflists: ['{}'],
  };
  expect(parseNodeState(state)).toEqual(ok(state));
  expect(parseNodeState({ ...state, items: [{ kind: 'cable', name: 'a' }] })).toEqual(
    err('not a state: items.0.kind'),
  );
  expect(parseNodeState({ ...state, unseen: undefined })).toEqual(err('not a state: unseen'));
});

test('a runtime answers, or gives the reason why not', () => {
  expect(parseRuntimeStatus({ answered: false, why: 'connection refused' })).toEqual(
    ok({ answered: false, why: 'connection refused' }),
  );
  expect(parseRuntimeStatus({ answered: true })).toEqual(err('not a status: runtimeVersion'));
});

test('a value that the host does not count is missing, not zero', () => {
  expect(parseUsage({ cpuMs: 12.5, memoryPeakBytes: null })).toEqual(ok({ cpuMs: 12.5 }));
});
