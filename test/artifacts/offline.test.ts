import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createArtifacts } from '../../lab/artifacts/artifacts.ts';
import { LabError } from '../../lab/core/lab-error.ts';
import { pinsWith } from '../rig/pins.ts';

let folder: string;
let connects: number;
const connect = Object.getOwnPropertyDescriptor(Socket.prototype, 'connect');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnilab-offline-'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'package/images/node-tools'), { recursive: true });
  connects = 0;
  Object.defineProperty(Socket.prototype, 'connect', {
    configurable: true,
    writable: true,
    value() {
      connects += 1;
      throw new Error('a socket was opened');
    },
  });
});
afterEach(() => {
  if (connect !== undefined) Object.defineProperty(Socket.prototype, 'connect', connect);
  rmSync(folder, { recursive: true });
});

/** A tool that only records how it was called. */
function fakeTool(name: string, body: string): void {
  const path = join(folder, 'bin', name);
  writeFileSync(path, `#!/bin/sh\necho "${name} $* GOPROXY=$GOPROXY" >> ${join(folder, 'calls')}\n${body}\n`);
  chmodSync(path, 0o755);
}

test('offline, nothing that opens a socket is called, and the error says what would be needed', async () => {
  fakeTool('go', 'echo \'{"Error": "m@v1: module lookup disabled by GOPROXY=off"}\'; exit 1');
  fakeTool('apt-get', '');
  fakeTool('apt-cache', '');
  fakeTool('apt-config', '');
  fakeTool('dpkg-deb', '');
  const artifacts = createArtifacts({
    cacheHostPath: join(folder, 'cache'),
    packageHostPath: join(folder, 'package'),
    pins: pinsWith({ containerd: { '1.6.3': 'a'.repeat(64) } }),
    arch: 'amd64',
    sourceOrder: ['local', 'release', 'gomod', 'debian'],
    offline: true,
    env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder },
    clock: { now: () => 0, date: () => new Date(0), sleep: async () => undefined },
    host: { cores: 1, freeMemoryBytes: () => 2 ** 33 },
    onEvent: () => undefined,
  });
  const promise = artifacts.ensureAll(
    [{ component: 'containerd', version: '1.6.3' }],
    new AbortController().signal,
  );
  await expect(promise).rejects.toBeInstanceOf(LabError);
  await expect(promise).rejects.toThrow('--offline forbids to fetch it');
  expect(connects).toBe(0);
  const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  expect(calls.filter((call) => /update|download|install/.test(call))).toEqual([
    'go mod download -json example.invalid/containerd@v1.6.3 GOPROXY=off',
  ]);
});
