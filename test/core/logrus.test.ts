import { expect, test } from 'vitest';
import { parseLogrus, parseLogrusLine } from '../../lab/core/logrus.ts';

test('a line of containerd 1.6.4 with an error is parsed', () => {
  const raw = String.raw`time="2026-11-21T13:22:36.185918766Z" level=error msg="RunPodSandbox for &PodSandboxMetadata{Name:web,Uid:u1,Namespace:default,Attempt:0,} failed, error" error="failed to setup network for sandbox \"be807df7b042\": plugin type=\"bridge\" failed (add): incompatible CNI versions; config is \"1.0.0\", plugin supports [\"0.1.0\" \"0.2.0\"]"`;
  expect(parseLogrusLine(raw)).toEqual({
    timeText: '2026-11-21T13:22:36.185918766Z',
    level: 'error',
    message:
      'RunPodSandbox for &PodSandboxMetadata{Name:web,Uid:u1,Namespace:default,Attempt:0,} failed, error',
    fields: {
      error:
        'failed to setup network for sandbox "be807df7b042": plugin type="bridge" failed (add): incompatible CNI versions; config is "1.0.0", plugin supports ["0.1.0" "0.2.0"]',
    },
    raw,
  });
});

test('the JSON format gives the same, and values that are not text stay JSON', () => {
  const raw = String.raw`{"error":"failed to setup network for sandbox \"61aa8ab9cd48\": plugin type=\"bridge\" failed (add)","level":"error","msg":"RunPodSandbox for \u0026PodSandboxMetadata{Name:web,Uid:u1,Namespace:default,Attempt:0,} failed, error","time":"2026-11-21T13:22:39.313162774Z"}`;
  expect(parseLogrusLine(raw)).toEqual({
    timeText: '2026-11-21T13:22:39.313162774Z',
    level: 'error',
    message:
      'RunPodSandbox for &PodSandboxMetadata{Name:web,Uid:u1,Namespace:default,Attempt:0,} failed, error',
    fields: {
      error: 'failed to setup network for sandbox "61aa8ab9cd48": plugin type="bridge" failed (add)',
    },
    raw,
  });
  expect(parseLogrusLine('{"level":"info","msg":"exited","time":"t","pid":7,"runtime":null}').fields).toEqual(
    {
      pid: '7',
      runtime: 'null',
    },
  );
});

test('unquoted values, empty values and several fields are parsed', () => {
  const raw =
    'time="2026-11-21T13:22:35.490968337Z" level=info msg=serving... address=/run/containerd/containerd.sock.ttrpc empty= id="" type=io.containerd.grpc.v1';
  expect(parseLogrusLine(raw)).toEqual({
    timeText: '2026-11-21T13:22:35.490968337Z',
    level: 'info',
    message: 'serving...',
    fields: {
      address: '/run/containerd/containerd.sock.ttrpc',
      empty: '',
      id: '',
      type: 'io.containerd.grpc.v1',
    },
    raw,
  });
});

test('a line in another format is a message without level, and empty lines are ignored', () => {
  const other = (raw: string) => ({ timeText: '', level: '', message: raw, fields: {}, raw });
  expect(
    parseLogrus(
      'panic: runtime error\n\n\tmain.go:7 +0x1\n{"not": "a log line"}\n{half\ntime="half\ntime=t level=info msg=ok\n',
    ),
  ).toEqual([
    other('panic: runtime error'),
    other('\tmain.go:7 +0x1'),
    other('{"not": "a log line"}'),
    other('{half'),
    other('time="half'),
    { timeText: 't', level: 'info', message: 'ok', fields: {}, raw: 'time=t level=info msg=ok' },
  ]);
});
