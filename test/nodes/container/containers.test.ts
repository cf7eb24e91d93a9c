import { hostname } from 'node:os';
import { expect, test } from 'vitest';

import { isLeft, type LabContainer } from '../../../lab/nodes/backends/container/containers.ts';
import { ownerText, parseOwner, thisLab } from '../../../lab/nodes/backends/container/owner.ts';
import { CAPABILITIES, nodeContainer } from '../../../lab/nodes/backends/container/spec.ts';

const owner = { host: 'build-1', pid: 7, startTicks: 99 };
const making = { name: 'lab-1', image: 'localhost/cnilab-node:x', owner, nowMs: 5 };

test('a node is a container that ends with its input, has no network and nothing of its host', () => {
  const { HostConfig, ...rest } = nodeContainer({ ...making, powers: 'privileged', reaperLabels: {} });
  expect(rest).toEqual({
    name: 'cnilab-lab-1',
    Image: 'localhost/cnilab-node:x',
    Hostname: 'lab-1',
    Entrypoint: ['/lab/bin/agent'],
    Cmd: ['init', '--name', 'lab-1', '--artifacts', '/lab/artifacts', '--staging', '/lab/root'],
    Labels: { 'cnilab.owner': 'build-1 7 99', 'cnilab.created-ms': '5', 'cnilab.node': 'lab-1' },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  expect(HostConfig).toEqual({
    AutoRemove: true,
    NetworkMode: 'none',
    CgroupnsMode: 'private',
    LogConfig: { Type: 'none', Config: {} },
    Mounts: [{ Type: 'volume', Source: 'cnilab-artifacts', Target: '/lab/artifacts', ReadOnly: true }],
    Privileged: true,
  });
});

test('in place of --privileged, a list of capabilities and no filters', () => {
  const { HostConfig } = nodeContainer({ ...making, powers: 'capabilities', reaperLabels: {} });
  expect(HostConfig).toMatchObject({ CapDrop: ['ALL'], CapAdd: CAPABILITIES, MaskedPaths: [] });
  expect(HostConfig?.Privileged).toBeUndefined();
  expect(CAPABILITIES).not.toContain('SYS_RESOURCE');
});

test('an owner is read as it was written, and nothing else is one', () => {
  expect(parseOwner(ownerText(owner))).toEqual(owner);
  expect(parseOwner(ownerText({ ...owner, startTicks: null }))).toEqual({ ...owner, startTicks: null });
  expect(['', 'x', 'x y 1', 'x 1'].map(parseOwner)).toEqual([undefined, undefined, undefined, undefined]);
});

test('only what a killed lab left is left', async () => {
  const one: LabContainer = { id: 'x', node: 'n', running: false, kept: false, owner, createdMs: 0 };
  const dead = { host: hostname(), pid: process.pid, startTicks: 1 };
  const minutes = 60_000;
  const cases: readonly (readonly [string, LabContainer, number, boolean])[] = [
    ['its lab runs', { ...one, owner: await thisLab() }, 60 * minutes, false],
    ['its lab is dead', { ...one, owner: dead }, 0, true],
    ['its lab is dead, and it still runs', { ...one, owner: dead, running: true }, 0, true],
    ['its lab is dead, and it is kept', { ...one, owner: dead, kept: true, running: true }, 0, false],
    ['of another machine, just made', one, 9 * minutes, false],
    ['of another machine, made long ago', one, 11 * minutes, true],
    ['of another machine, and it runs', { ...one, running: true }, 60 * minutes, false],
  ];
  for (const [what, container, nowMs, left] of cases)
    expect([what, await isLeft(container, nowMs)]).toEqual([what, left]);
});
