import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { hasCapabilities } from '../../lab/nodes/backends/bare.ts';
import { parseRecord, sweepRecords, type NodeRecord } from '../../lab/nodes/backends/node-records.ts';
import { scratchFolder } from '../rig/scratch.ts';

const record: NodeRecord = {
  name: 'lab-1',
  launcherPid: 10,
  launcherStartTicks: 99,
  initPid: 11,
  kept: false,
  agent: '/cache/agent',
  cgroups: ['/sys/fs/cgroup/cpu/cnilab/lab-1'],
};

test('a record is read completely or rejected', () => {
  expect(parseRecord(JSON.stringify(record))).toEqual(record);
  expect(parseRecord(JSON.stringify({ ...record, cgroups: 'x' }))).toBeUndefined();
  expect(parseRecord('{"name":"lab-1"')).toBeUndefined();
});

test('a node that ends by itself during a sweep is not one that was left', async () => {
  const [records, group] = [scratchFolder(), join(scratchFolder(), 'lab-1')];
  mkdirSync(group);
  writeFileSync(join(group, 'busy'), ''); // so that removing it takes its whole time
  for (const one of [
    { ...record, cgroups: [group] },
    { ...record, name: 'lab-2', cgroups: [] },
  ])
    writeFileSync(join(records, `${one.name}.json`), JSON.stringify({ ...one, launcherPid: 2 ** 30 }));
  const swept = sweepRecords(records);
  setTimeout(() => rmSync(join(records, 'lab-2.json')), 500);
  expect(await swept).toEqual([expect.stringMatching(/^could not remove what is left of node lab-1: /)]);
  expect(readdirSync(records)).toEqual(['lab-1.json']);
});

test('root without CAP_SYS_ADMIN is not enough', () => {
  expect(hasCapabilities('CapEff:\t000001fffeffffff\n')).toBe(true);
  expect(hasCapabilities('CapEff:\t00000000a80425fb\n')).toBe(false); // Docker's default
  expect(hasCapabilities('')).toBe(false);
});
