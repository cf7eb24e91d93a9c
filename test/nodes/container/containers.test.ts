import { hostname } from 'node:os';
import { expect, test } from 'vitest';

import { ticksNow } from '../../../lab/host/machine.ts';
import { ageOf, isLeft, type LabContainer } from '../../../lab/nodes/backends/container/containers.ts';
import {
  CAPABILITIES,
  nodeContainer,
  isOf,
  ownerText,
  parseOwner,
  thisLab,
} from '../../../lab/nodes/backends/container/spec.ts';

const owner = { host: 'build-1', pid: 7, startTicks: 99, stateHostPath: '/home/ann lee/cnilab' };
const limits = { memoryBytes: 3, processes: 4, tmpfsBytes: 5 };
const making = {
  ...{ name: 'lab-1', image: 'localhost/cnilab-node:x', owner, now: { ms: 5, ticks: 7 }, limits },
  systemCalls: 'filtered' as const,
  backend: 'container' as const,
};

test('a node is a container that ends with its input, without a network and without anything of its host', () => {
  const { HostConfig, ...rest } = nodeContainer({ ...making, powers: 'privileged', reaperLabels: {} });
  expect(rest).toEqual({
    name: 'cnilab-lab-1',
    Image: 'localhost/cnilab-node:x',
    Hostname: 'lab-1',
    Entrypoint: ['/lab/bin/agent'],
    Cmd: [
      ...['init', '--name', 'lab-1', '--artifacts', '/lab/artifacts', '--staging', '/lab/root'],
      ...['--tmpfs-bytes', '5'],
    ],
    Labels: {
      'cnilab.backend': 'container',
      'cnilab.owner': 'build-1 7 99 /home/ann lee/cnilab',
      'cnilab.created-ms': '5',
      'cnilab.created-ticks': '7',
      'cnilab.node': 'lab-1',
    },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  expect(HostConfig).toEqual({
    AutoRemove: true,
    NetworkMode: 'none',
    Memory: 3,
    MemorySwap: 3,
    PidsLimit: 4,
    CgroupnsMode: 'private',
    LogConfig: { Type: 'none', Config: {} },
    Mounts: [{ Type: 'volume', Source: 'cnilab-artifacts', Target: '/lab/artifacts', ReadOnly: true }],
    Privileged: true,
  });
});

test('a node of kind is the same container, whose first process becomes systemd', () => {
  const node = nodeContainer({ ...making, backend: 'kind', powers: 'privileged', reaperLabels: {} });
  expect(node.Cmd).toContain('--systemd');
  expect(node.StopSignal).toBe('SIGRTMIN+3');
  expect(node.Labels).toMatchObject({ 'cnilab.backend': 'kind' });
});

test('the first process of a node knows whether to filter system calls', () => {
  const { Cmd } = nodeContainer({
    ...{ ...making, powers: 'privileged', reaperLabels: {} },
    systemCalls: 'unfiltered',
  });
  expect(Cmd?.at(-1)).toBe('--unfiltered');
});

test('instead of --privileged, there is a list of capabilities and no filters', () => {
  const { HostConfig } = nodeContainer({ ...making, powers: 'capabilities', reaperLabels: {} });
  expect(HostConfig).toMatchObject({ CapDrop: ['ALL'], CapAdd: CAPABILITIES, MaskedPaths: [] });
  expect(HostConfig?.Privileged).toBeUndefined();
  expect(CAPABILITIES).not.toContain('SYS_RESOURCE');
});

test('an owner is read as it was written, and other text is not an owner', () => {
  expect(parseOwner(ownerText(owner))).toEqual(owner);
  expect(parseOwner(ownerText({ ...owner, startTicks: null }))).toEqual({ ...owner, startTicks: null });
  expect(parseOwner('build-1 7 99')).toEqual({ ...owner, stateHostPath: '' });
  expect(['', 'x', 'x y 1', 'x 1'].map(parseOwner)).toEqual([undefined, undefined, undefined, undefined]);
});

test('only what a killed lab left is removed', async () => {
  const created = { ms: 0, ticks: 0 };
  const one: LabContainer = {
    ...{ id: 'x', node: 'n', segment: undefined, inSegment: undefined, running: false, kept: false },
    ...{ owner, created },
  };
  const dead = { ...owner, host: hostname(), pid: process.pid, startTicks: 1 };
  const minutes = 60_000;
  const cases: readonly (readonly [string, LabContainer, number, boolean])[] = [
    ['its lab runs', { ...one, owner: await thisLab('/state') }, 60 * minutes, false],
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

test('a container belongs to a lab by the machine and the folder of its nodes', () => {
  const here = { ...owner, host: hostname() };
  const folder = owner.stateHostPath;
  expect([isOf(here, folder), isOf(here, '/other'), isOf(owner, folder), isOf(undefined, folder)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('the age of this machine’s container does not depend on the time of day; that of another machine’s may be unknown', async () => {
  const ticks = (await ticksNow()) ?? 0;
  const created = { ms: 90_000, ticks: ticks - 500 };
  const one = {
    id: 'x',
    node: 'n',
    segment: undefined,
    inSegment: undefined,
    running: true,
    kept: true,
    created,
  };
  const here = { ...one, owner: { ...owner, host: hostname() } };
  expect(Math.round(((await ageOf(here, 0)) ?? 0) / 1000)).toBe(5);
  expect(await ageOf({ ...one, owner }, 100_000)).toBe(10_000);
  expect(await ageOf({ ...one, owner }, 80_000)).toBeUndefined();
});
