import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import type { Finished } from './cnilab.ts';

/** A scripted plugin, called by the runtime and by steps `cni`. */
const SCENARIO = `name: plugin-words
summary: A scripted plugin is called by the runtime and without it
node:
  containerd: 1.6.3
  cni-plugins:
    set: 1.1.1
    mycni:
      fake:
        add: { delegate: bridge, stderr: "a warning\\n" }
        del: [{ error: { code: 11, msg: Try again later, details: the agent is down } }, { delegate: bridge }]
  cni-config:
    10-net.conflist:
      cniVersion: 0.4.0
      name: net
      plugins: [{ type: mycni, bridge: cni0, ipam: { type: host-local, subnet: 10.88.0.0/16 } }]
steps:
  - run-pod: web
    expect: { pod: { state: ready, ips: [10.88.0.2] }, calls: { plugin: mycni, verb: ADD, stderr: a warning } }
  - stop-pod: web
    expect: { error: { contains: Try again later; the agent is down, why: the words before it are those of containerd } }
  - stop-pod: web
  - remove-pod: web
  - cni: { verb: add, netns: mine }
  - exec: [ip, netns, exec, mine, ip, -brief, address, show, eth0]
    expect: { output: { contains: 10.88.0.3/16, why: the index of the link and its other addresses vary } }
  - cni: { verb: del, netns: mine }
  - cni: { verb: add, plugin: loopback, netns: /var/run/netns/none, config: { cniVersion: 1.0.0, name: lo, type: loopback } }
    expect: { error: 'failed to Statfs "/var/run/netns/none": no such file or directory' }
  - exec: [ip, netns, delete, mine]
expect: { left-behind: none, pods: none }
`;

/** A scenario with scripted plugins and calls by hand, and then calls from the command line on its node, on this backend. */
export async function callPluginsOn(
  backend: 'container' | 'vm',
  { folder, cnilab }: { folder: string; cnilab: (args: readonly string[]) => Promise<Finished> },
): Promise<void> {
  const file = join(folder, 'plugin-words.yaml');
  writeFileSync(file, SCENARIO);
  const ran = await cnilab(['run', file, '--keep', '--output', folder, '--backend', backend]);
  expect(ran.exitCode, ran.stdout + ran.stderr).toBe(0);
  const name = /cnilab down (\S+)/.exec(ran.stdout)?.[1] ?? expect.fail(ran.stdout);
  const call = (verb: string) => cnilab(['cni', verb, name, '--netns', 'mine']);
  const added = await call('add');
  expect(added).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('a warning') as string });
  expect(JSON.parse(added.stdout)).toMatchObject({ ips: [{ address: '10.88.0.4/16' }] });
  expect(await call('del')).toMatchObject({ exitCode: 0 });
  expect(await cnilab(['down', name])).toMatchObject({ exitCode: 0 });
}
