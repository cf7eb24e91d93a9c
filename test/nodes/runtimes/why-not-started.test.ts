import { expect, test } from 'vitest';

import { containerd } from '../../../lab/nodes/runtimes/containerd.ts';

const reasonsNotStarted = (log: string) => containerd.reasonsNotStarted(log);
const whyNotStarted = (log: string) => containerd.whyNotStarted(log);

const began = 'time="2026-01-01T00:00:00Z" level=info msg="starting containerd" revision= version=1.6.4';
const loading =
  'time="2026-01-01T00:00:00Z" level=info msg="loading plugin \\"io.containerd.grpc.v1.cri\\"..."';
const notLoaded =
  'time="2026-01-01T00:00:00Z" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" error="invalid plugin config"';
const other =
  'time="2026-01-01T00:00:00Z" level=warning msg="failed to load plugin io.containerd.snapshotter.v1.devmapper" error="devmapper not configured"';
const booted = 'time="2026-01-01T00:00:00Z" level=info msg="containerd successfully booted in 0.03s"';
const log = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;

test('a CRI plugin that is not loaded is the only reason', () => {
  expect(whyNotStarted(log(began, other, loading, notLoaded, booted))).toEqual([notLoaded]);
});

test('containerd’s last message before it exits is a reason', () => {
  const fatal = 'containerd: failed to load TOML: /etc/containerd/config.toml: unknown key';
  expect(whyNotStarted(log(began, booted, began, fatal))).toEqual([fatal]);
});

test('only the last start counts, and without a reason the last lines are shown', () => {
  expect(whyNotStarted(log(began, notLoaded, began, loading, booted))).toEqual([began, loading, booted]);
  expect(whyNotStarted('')).toEqual([]);
  expect(reasonsNotStarted(log(began, notLoaded, began, loading, booted))).toEqual([]);
});

test('logs in JSON are read as well', () => {
  const start = '{"level":"info","msg":"starting containerd","time":"2026-01-01T00:00:00Z"}';
  const fatal = '{"level":"fatal","msg":"no such root","time":"2026-01-01T00:00:00Z"}';
  expect(reasonsNotStarted(log(start, fatal, start))).toEqual([]);
  expect(reasonsNotStarted(log(start, start, fatal))).toEqual([fatal]);
});
