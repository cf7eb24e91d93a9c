import { expect, test } from 'vitest';

import { hasCapabilities } from '../../lab/nodes/backends/bare.ts';
import { parseRecord } from '../../lab/nodes/backends/node-records.ts';

test('a record is read completely or rejected', () => {
  const record = {
    name: 'lab-1',
    launcherPid: 10,
    launcherStartTicks: 99,
    initPid: 11,
    kept: false,
    agent: '/cache/agent',
    cgroups: ['/sys/fs/cgroup/cpu/cnilab/lab-1'],
  };
  expect(parseRecord(JSON.stringify(record))).toEqual(record);
  expect(parseRecord(JSON.stringify({ ...record, cgroups: 'x' }))).toBeUndefined();
  expect(parseRecord('{"name":"lab-1"')).toBeUndefined();
});

test('root without CAP_SYS_ADMIN is not enough', () => {
  expect(hasCapabilities('CapEff:\t000001fffeffffff\n')).toBe(true);
  expect(hasCapabilities('CapEff:\t00000000a80425fb\n')).toBe(false); // Docker's default
  expect(hasCapabilities('')).toBe(false);
});
