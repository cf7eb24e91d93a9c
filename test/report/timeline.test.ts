import { expect, test } from 'vitest';

import { RUNTIMES } from '../../lab/assembly/runtimes.ts';
import type { JournalEntry } from '../../lab/observe/observation.ts';
import { timelineOf, timelineText } from '../../lab/report/timeline.ts';
import { planned } from '../rig/recorded-run.ts';

const at = (seconds: string) => `2026-01-01T00:00:${seconds}Z`;
const call = (number: number, plugin: string, more: object): JournalEntry => ({
  kind: 'cni-call-started',
  stepId: '1-run-pod',
  call: number,
  plugin,
  path: `/opt/cni/bin/${plugin}`,
  verb: 'ADD',
  env: { CNI_IFNAME: 'eth0' },
  parent: { pid: 3, name: 'containerd' },
  stdin: '{ "name": "net" }',
  time: at('00.020000'),
  atMs: 21,
  ...more,
});
const end = (number: number, more: object): JournalEntry => ({
  kind: 'cni-call-ended',
  stepId: '1-run-pod',
  call: number,
  exitCode: 0,
  signal: null,
  stdout: '',
  stderr: '',
  durationMs: 2,
  time: at('00.024000'),
  atMs: 24,
  ...more,
});

const entries: readonly JournalEntry[] = [
  {
    kind: 'run-started',
    formatVersion: 3,
    labVersion: '0',
    time: at('00.000'),
    backend: 'bare',
    host: {},
    atMs: 0,
  },
  { kind: 'step-started', stepId: '1-run-pod', atMs: 10 },
  {
    kind: 'netns',
    stepId: '1-run-pod',
    change: 'appeared',
    name: 'cni-1',
    time: at('00.015000'),
    atMs: 15,
  },
  call(1, 'bridge', {}),
  call(2, 'host-local', { within: 1, parent: { pid: 5, name: 'bridge' }, time: at('00.021500') }),
  end(2, { exitCode: 1, stdout: '{ "code": 7, "msg": "no", "details": "really" }' }),
  end(1, { exitCode: null, signal: 'SIGKILL', time: at('00.030000'), atMs: 30 }),
  call(3, 'portmap', { time: at('00.033000'), verb: 'DEL' }),
  {
    kind: 'command',
    stepId: '1-run-pod',
    result: {
      argv: ['crictl', 'runp', 'a'],
      exitCode: 1,
      signal: null,
      stdout: '',
      stderr: '',
      durationMs: 30,
      timedOut: false,
    },
    atMs: 42,
  },
  {
    kind: 'runtime-log',
    stepId: '1-run-pod',
    text: [
      `time="${at('00.014000000')}" level=info msg="RunPodSandbox"`,
      'a line of its own',
      `time="${at('00.041000000')}" level=error msg="cni config load failed" error="no network"`,
      '',
    ].join('\n'),
    atMs: 50,
  },
  { kind: 'step-ended', stepId: '1-run-pod', atMs: 55 },
  { kind: 'run-ended', entries: 11, atMs: 60 },
];

const LINES = [
  '    0.0100 s  1-run-pod',
  '    0.0120 s    crictl runp a  exit 1, 30.0 ms',
  '    0.0140 s      log info RunPodSandbox',
  '    0.0140 s      log  a line of its own',
  '    0.0150 s      netns cni-1 appeared',
  '    0.0200 s      containerd > bridge ADD net eth0  SIGKILL, 2.0 ms',
  '    0.0215 s        bridge > host-local ADD net eth0  exit 1: code 7: no; really, 2.0 ms',
  '    0.0330 s      containerd > portmap DEL net eth0  no end',
  '    0.0410 s      reload error cni config load failed: no network',
];

test('events are in the order of their starts, with delegated calls below their callers', () => {
  expect(timelineText(timelineOf(planned({}), entries, RUNTIMES))).toEqual(LINES);
});

test('a machine with its own clock has the same timeline', () => {
  const later = entries.map((entry) =>
    'time' in entry && entry.kind !== 'run-started'
      ? { ...entry, time: entry.time.replace(':00:00.', ':07:00.') }
      : entry.kind === 'runtime-log'
        ? { ...entry, text: entry.text.replaceAll(':00:00.', ':07:00.') }
        : entry,
  );
  expect(timelineText(timelineOf(planned({}), later, RUNTIMES))).toEqual(LINES);
});

test('a recorded call has the node’s time, and its numbers as data', () => {
  const [event] = timelineOf(planned({}), entries, RUNTIMES).filter(
    (one) => one.kind === 'cni' && one.call === 2,
  );
  expect(event).toEqual({
    kind: 'cni',
    atMs: 21.5,
    stepId: '1-run-pod',
    call: 2,
    within: 1,
    depth: 1,
    plugin: 'host-local',
    verb: 'ADD',
    network: 'net',
    ifname: 'eth0',
    by: 'bridge',
    end: 'exit 1: code 7: no; really',
    durationMs: 2,
  });
});
