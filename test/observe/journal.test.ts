import { expect, test } from 'vitest';

import { formatJournalEntry, parseJournal } from '../../lab/observe/journal.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';

const started: JournalEntry = {
  kind: 'run-started',
  formatVersion: 3,
  labVersion: '0.1.0',
  time: '2026-01-01T00:00:00.000Z',
  backend: 'bare',
  host: { kernel: '6.18' },
  atMs: 0,
};
const STARTED =
  '{"kind":"run-started","formatVersion":3,"labVersion":"0.1.0","time":"2026-01-01T00:00:00.000Z","backend":"bare","host":{"kernel":"6.18"},"atMs":0}\n';

/** One entry of every kind, with every field. */
const all: readonly JournalEntry[] = [
  started,
  {
    kind: 'artifact',
    name: 'containerd',
    version: '1.6.3',
    source: 'gomod',
    key: 'k',
    madeBy: 'go 1.26',
    atMs: 1,
  },
  {
    kind: 'node-ready',
    name: 'lab-1',
    nodeMs: 20,
    runtimeMs: 90,
    runtimeVersion: '1.6.3',
    runtimeStartedBy: 'node',
    atMs: 2,
  },
  { kind: 'step-started', stepId: '1-run-pod', atMs: 3 },
  {
    kind: 'command',
    stepId: '1-run-pod',
    pod: 'web',
    container: 'app',
    id: 'a',
    result: {
      argv: ['crictl'],
      exitCode: null,
      signal: 'SIGKILL',
      stdout: '',
      stderr: '',
      durationMs: 1,
      timedOut: true,
    },
    atMs: 4,
  },
  {
    kind: 'cni-call-started',
    stepId: '1-run-pod',
    call: 2,
    within: 1,
    plugin: 'host-local',
    path: '/opt/cni/bin/host-local',
    verb: 'ADD',
    env: { CNI_COMMAND: 'ADD' },
    netns: { path: '/run/netns/a', inode: '4' },
    parent: { pid: 3, name: 'bridge' },
    stdin: '{}',
    cut: ['stdin'],
    time: '2026-01-01T00:00:00.000001Z',
    atMs: 4,
  },
  {
    kind: 'cni-call-ended',
    stepId: '1-run-pod',
    call: 2,
    exitCode: null,
    signal: 'SIGKILL',
    stdin: '{ }',
    stdout: '\udcff',
    stderr: '',
    cut: ['stdout'],
    durationMs: 0.5,
    time: '2026-01-01T00:00:00.000501Z',
    atMs: 4,
  },
  { kind: 'netns', stepId: '1-run-pod', change: 'appeared', name: 'a', time: 't', atMs: 4 },
  { kind: 'unrecorded', stepId: '1-run-pod', why: 'no socket', atMs: 4 },
  { kind: 'capture', stepId: '1-run-pod', name: 'web.id', value: 'a', atMs: 5 },
  {
    kind: 'waited',
    stepId: '1-run-pod',
    what: 'w',
    met: false,
    timedOut: false,
    lastSeen: 'l',
    waitedMs: 1,
    atMs: 6,
  },
  { kind: 'files', stepId: '1-run-pod', written: ['/etc/a'], absent: [], removed: ['/etc/b'], atMs: 6 },
  { kind: 'not-run', stepId: '1-run-pod', why: 'w', atMs: 7 },
  { kind: 'runtime-log', stepId: '1-run-pod', text: 'one\ntwo\n', atMs: 8 },
  { kind: 'runtime-ended', stepId: '1-run-pod', asked: false, exitCode: 2, signal: null, atMs: 9 },
  {
    kind: 'look',
    stepId: '1-run-pod',
    state: {
      items: [
        { kind: 'netns', name: 'cni-1' },
        { kind: 'ipam', name: 'n/10.88.0.2', detail: { id: 'a' } },
      ],
      unseen: [{ kind: 'sandbox', why: 'w' }],
    },
    runtime: 'not-ready',
    atMs: 10,
  },
  { kind: 'step-ended', stepId: '1-run-pod', atMs: 11 },
  { kind: 'usage', usage: { cpuMs: 1, memoryPeakBytes: 2 }, atMs: 12 },
  { kind: 'lab-failure', during: 'd', message: 'm', atMs: 13 },
  { kind: 'cleanup-failure', what: 'w', message: 'm', atMs: 14 },
  { kind: 'interrupted', by: 'SIGINT', atMs: 15 },
  { kind: 'run-ended', entries: 19, atMs: 16 },
];

test('an entry is one line of JSON', () => {
  expect(formatJournalEntry(started)).toBe(STARTED);
});

test('entries of every kind are read as they were written', () => {
  expect(parseJournal(all.map(formatJournalEntry).join(''))).toEqual({ ok: true, value: all });
});

test('an incomplete last line is named and the rest is read', () => {
  expect(parseJournal(`${STARTED}{"kind":"step-sta`)).toEqual({
    ok: true,
    value: [
      started,
      {
        kind: 'lab-failure',
        during: 'writing the journal',
        message: 'its last line is half written: {"kind":"step-sta',
        atMs: 0,
      },
    ],
  });
});

test('a last line that lacks only its line break is complete', () => {
  expect(parseJournal(STARTED.trimEnd())).toEqual({ ok: true, value: [started] });
});

test('an empty journal has broken off at once', () => {
  expect(parseJournal('')).toEqual({
    ok: true,
    value: [{ kind: 'lab-failure', during: 'writing the journal', message: 'it is empty', atMs: 0 }],
  });
});

test.each([
  [
    'another format',
    STARTED.replace('"formatVersion":3', '"formatVersion":2'),
    'line 1 is of format 2, and this cnilab reads format 3 alone',
  ],
  ['a line that is not JSON, before the last', `${STARTED}{"kind\n${STARTED}`, 'line 2 is not JSON'],
  ['a line that is no object', `${STARTED}[]\n`, 'line 2 has no sound "kind"'],
  [
    'a kind that it does not know',
    `${STARTED}{"kind":"toString","atMs":1}\n`,
    'line 2 has an unknown kind "toString"',
  ],
  [
    'a field that is missing',
    `${STARTED}{"kind":"step-started","atMs":1}\n`,
    'line 2 is a step-started without a sound "stepId"',
  ],
  ['a time that is missing', `${STARTED}{"kind":"run-ended","entries":2}\n`, 'line 2 has no sound "atMs"'],
  [
    'a field of another type, deep inside',
    `${STARTED}{"kind":"look","stepId":"start","state":{"items":[{"kind":"cow","name":"x"}],"unseen":[]},"atMs":1}\n`,
    'line 2 is a look without a sound "state.items.0.kind"',
  ],
  [
    'another beginning',
    '{"kind":"run-ended","entries":1,"atMs":1}\n',
    'line 1 is "run-ended", expected "run-started"',
  ],
])('%s is refused', (_, text, error) => {
  expect(parseJournal(text)).toEqual({ ok: false, error });
});

test('NUL, bytes that are not UTF-8, and halves of surrogate pairs are the same after a journal', () => {
  const entry: JournalEntry = {
    kind: 'runtime-log',
    stepId: 'start',
    text: 'a\0\udcff\ud800\u2028\n',
    atMs: 1,
  };
  const line = formatJournalEntry(entry);
  expect(line).toBe(
    '{"kind":"runtime-log","stepId":"start","text":"a\\u0000\\udcff\\ud800\u2028\\n","atMs":1}\n',
  );
  expect(parseJournal(Buffer.from(STARTED + line).toString('utf8'))).toEqual({
    ok: true,
    value: [started, entry],
  });
});
