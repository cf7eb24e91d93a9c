import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parseJournal } from '../../lab/observe/journal.ts';
import { cnilab } from '../rig/cnilab.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

async function run(name: string, steps: string) {
  const file = join(folder, `${name}.yaml`);
  const output = join(folder, name);
  writeFileSync(
    file,
    `name: ${name}
summary: ${name}
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config:
    10-net.conflist:
      cniVersion: 1.0.0
      name: net
      plugins:
        - { type: bridge, isGateway: true, ipMasq: true, ipam: { type: host-local, ranges: [[{ subnet: 10.88.0.0/16 }], [{ subnet: 'fd00::/64' }]], routes: [{ dst: 0.0.0.0/0 }] } }
        - { type: portmap, capabilities: { portMappings: true } }
        - { type: firewall, ingressPolicy: same-bridge }
        - { type: tuning, mtu: 1400 }
        - { type: bandwidth, ingressRate: 1000000, ingressBurst: 1000000 }
${steps}`,
  );
  const { exitCode, stdout } = await cnilab(['run', file, '--backend', 'bare', '--output', output]);
  const journal = parseJournal(readFileSync(join(output, 'latest', name, 'journal.jsonl'), 'utf8'));
  if (!journal.ok) throw new Error(journal.error);
  const looks = journal.value.flatMap((entry) => (entry.kind === 'look' ? [entry] : []));
  return { exitCode, stdout, looks };
}

test('a pod with many plugins leaves nothing behind, except the tracked flow of a sender that may continue', async () => {
  const { exitCode, stdout, looks } = await run(
    'flow',
    `  files:
    /opt/udp-send:
      mode: 0755
      content: |
        #!/usr/bin/perl
        use IO::Socket::INET;
        my $s = IO::Socket::INET->new(Proto => 'udp', LocalPort => 40000, PeerAddr => $ARGV[0]) or die $@;
        $s->send('hello');
pods:
  agent: { host-ports: [{ host: 8125, container: 8125, protocol: udp }] }
steps:
  - run-pod: agent
  - exec: [ip, netns, add, outside]
  - exec: [ip, link, add, out0, type, veth, peer, name, in0, netns, outside]
  - exec: [ip, address, add, 192.0.2.1/24, dev, out0]
  - exec: [ip, link, set, out0, up]
  - exec: [ip, -n, outside, address, add, 192.0.2.7/24, dev, in0]
  - exec: [ip, -n, outside, link, set, in0, up]
  - exec: [ip, netns, exec, outside, /opt/udp-send, '192.0.2.1:8125']
  - stop-pod: agent
  - remove-pod: agent
expect:
  left-behind:
    netns: [outside]
    netns-mount: [/run/netns/outside]
    mount: 1
    veth: [out0]
    conntrack: ['udp 192.0.2.7:40000 to 192.0.2.1:8125 at 10.88.0.2:8125']
`,
  );
  expect(stdout).toContain('1 passed');
  expect(exitCode).toBe(0);
  expect(looks.at(-1)?.state.items.find(({ name }) => name === 'out0')?.detail).toEqual({
    address: '192.0.2.1/24',
    netns: '/run/netns/outside',
  });
});

test('folders named in a configuration that existed only for a moment are looked into', async () => {
  const of = (dataDir: string) =>
    `{ "cniVersion": "1.0.0", "name": "x", "plugins": [ { "type": "a", "ipam": { "dataDir": "${dataDir}" } } ] }`;
  const { stdout, exitCode } = await run(
    'moment',
    `steps:
  - write-cni-config: { 20-x.conflist: '${of('/opt/first')}' }
  - exec: [sh, -c, 'echo ''${of('/opt/second')}'' >/etc/cni/net.d/20-x.conflist']
  - remove-cni-config: 20-x.conflist
  - write-files: { /opt/first/x/10.1.0.2: abc, /opt/second/state: x, /opt/third/state: x }
expect: { left-behind: { ipam: [x/10.1.0.2], file: [/opt/second/state] } }
`,
  );
  expect(stdout).toContain('1 passed');
  expect(exitCode).toBe(0);
});

test('something that is about to end is waited for, and both looks are recorded', async () => {
  const { stdout, looks } = await run(
    'going',
    `steps:
  - exec: [sh, -c, 'sleep 0.7 >/dev/null 2>&1 </dev/null &']
    expect: { left-behind: none }
  - exec: [sh, -c, 'sleep 3.1 >/dev/null 2>&1 </dev/null &']
    expect: { left-behind: none }
  - exec: [sleep, '1.5']
`,
  );
  const processes = looks.map(
    ({ stepId, state }) => `${stepId} ${state.items.filter(({ kind }) => kind === 'process').length}`,
  );
  expect(processes).toEqual(['start 0', '1-exec 1', '1-exec 0', '2-exec 1', '2-exec 1', '3-exec 0']);
  expect(stdout).toContain('process sleep 3.1, since 2-exec, gone only by 3-exec\n');
});

const withLateLine = (file: string) => `steps:
  - exec: [sh, -c, '(sleep 0.7; echo . > /etc/cni/net.d/05-late.conflist) > /dev/null 2>&1 &']
    expect:
      log: { level: error, message: { contains: ${file}, why: how the event is printed depends on a library } }
  - exec: ['true']
`;

test('a line that comes late is in the log, and one that does not come is missing', async () => {
  expect(await run('late', withLateLine('05-late.conflist'))).toMatchObject({ exitCode: 0 });
  const { exitCode, stdout } = await run('never', withLateLine('30-never.conflist'));
  expect(exitCode).toBe(1);
  expect(stdout).toContain('no such line in the log of containerd');
});
