import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();
const node = `cni-${process.pid}`;
const run = (words: string) => cnilab(words.split(' '), { cwd: folder });
const NETWORK = `{ "cniVersion": "1.0.0", "name": "net", "plugins": [{ "type": "ptp", "ipam": { "type": "host-local", "subnet": "10.88.0.0/16" } }] }`;

beforeAll(async () => {
  writeFileSync(join(folder, '10-net.conflist'), NETWORK);
  writeFileSync(join(folder, 'lo.conf'), '{ "cniVersion": "1.0.0", "name": "lo", "type": "loopback" }');
  const up = await run(
    `up --name ${node} --containerd 1.6.4 --cni-config 10-net.conflist --cni-plugins 1.1.1`,
  );
  expect(up.exitCode, up.stderr).toBe(0);
});
afterAll(() => run(`down ${node}`));

test('a network is added, checked and deleted on a node that was left up', async () => {
  const added = await run(`cni add ${node} --netns mine`);
  expect(added.exitCode, added.stderr).toBe(0);
  expect(JSON.parse(added.stdout)).toMatchObject({
    cniVersion: '1.0.0',
    ips: [{ address: '10.88.0.2/16', gateway: '10.88.0.1' }],
  });
  const inside = await run(`enter ${node} ip netns exec mine ip -brief address show eth0`);
  expect(inside.stdout).toContain('10.88.0.2/16');
  expect(await run(`cni check ${node} --netns mine`)).toMatchObject({ exitCode: 0, stdout: '' });
  expect(await run(`cni del ${node} --netns mine`)).toMatchObject({ exitCode: 0, stdout: '' });
  const checked = await run(`cni check ${node} --netns mine`);
  expect(checked).toMatchObject({ exitCode: 1, stdout: '' });
  expect(checked.stderr).not.toBe('');
});

test('a single plugin is called, and its output is unchanged, also for a namespace that does not exist', async () => {
  const called = await run(`cni add ${node} --plugin loopback --netns /var/run/netns/gone --config lo.conf`);
  expect(called).toMatchObject({ exitCode: 1, stderr: '' });
  expect(JSON.parse(called.stdout)).toEqual({
    code: 999,
    msg: 'failed to Statfs "/var/run/netns/gone": no such file or directory',
  });
});

test('a recorded call is repeated on a new node and on a node that is up, and the differences are shown', async () => {
  writeFileSync(
    join(folder, 'recorded.yaml'),
    `name: recorded
summary: s
node:
  containerd: 2.4.2
  cni-plugins: { set: 1.1.1, mycni: { fake: { others: ok } } }
  record: true
steps:
  - write-cni-config: { 10-net.conflist: { cniVersion: 1.0.0, name: net, plugins: [{ type: mycni }] } }
  - fake-plugin: { plugin: mycni, fake: { others: { error: { code: 7, msg: no } } } }
  - wait-for: { network-ready: true }
  - run-pod: web
    expect: { ok: false }
`,
  );
  const ran = await run('run recorded.yaml');
  expect(ran.exitCode, ran.stdout).toBe(0);
  const [session = ''] = readdirSync(join(folder, '.cnilab')).filter((name) => name !== 'latest');
  const recorded = `.cnilab/${session}/recorded`;
  const missing = await run(`replay ${recorded} 99`);
  const [, number = ''] = /^ {2}(\d+) {2}mycni ADD in 4-run-pod$/m.exec(missing.stderr) ?? [];

  const same = await run(`replay ${recorded} ${number}`);
  expect(same).toMatchObject({ exitCode: 0, stdout: '{"cniVersion":"1.0.0","code":7,"msg":"no"}\n' });
  expect(same.stderr).toMatch(/^differs before: \S+ is a new network namespace$/m);
  expect(same.stderr).toMatch(/^the same as recorded: it exited with 1, with the same output$/m);

  const other = await run(`replay ${recorded} ${number} --node ${node}`);
  expect(other.exitCode).toBe(69);
  expect(other.stderr).toContain('/opt/cni/bin/mycni: no such file or directory');
});
