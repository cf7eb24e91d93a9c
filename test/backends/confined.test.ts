import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import type { CommandResult } from '../../lab/core/ports.ts';
import { RuntimeNode } from '../../lab/index.ts';
import { cnilab } from '../rig/cnilab.ts';
import { journalIn, labFailuresIn } from '../rig/journal.ts';
import { scratchFolder } from '../rig/scratch.ts';

const folder = scratchFolder();

async function run(name: string, yaml: string) {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, yaml);
  const output = join(folder, name);
  const { exitCode, stdout, stderr } = await cnilab(['run', file, '--backend', 'bare', '--output', output]);
  return { exitCode, printed: `${stdout}${stderr}`, output };
}

/** Each of these is harmless even if it works. Harmful ones are tried in a virtual machine. */
const PROBES = [
  ['mount -o remount,rw /proc/sys', 32],
  ['mount -o remount,bind,rw /proc/sys', 32],
  ['mount -o remount,bind,rw /proc/sys /proc/sys', 32],
  ['umount /proc/sys', 32],
  ['mount -o remount,rw /sys', 32],
  ['mount -o remount,bind,rw /lab/artifacts', 32],
  ['sh -c "echo 1 > /proc/sys/vm/overcommit_memory"', 2],
  ['sh -c "echo h > /proc/sysrq-trigger"', 2],
  ['mknod /tmp/disk b 254 0', 1],
  ['mknod /tmp/mem c 1 1', 1],
  ['mknod /tmp/null c 1 3', 0],
  ['dmesg', 1],
  ['swapoff /nowhere', 16],
  ['sh -c "[ $(ulimit -c) = 0 ]"', 0],
  ['mount -t tmpfs none /mnt', 0],
  ['mount -o remount,ro /mnt', 0],
  ['sysctl -qw net.ipv4.ip_forward=1', 0],
] as const;

/** CAP_SYS_TIME, _BOOT, _MODULE, _RAWIO, _RESOURCE, MAC_*, SYSLOG, WAKE_ALARM, BLOCK_SUSPEND, AUDIT_CONTROL, _READ, PERFMON, BPF */
const GONE = [25, 22, 16, 17, 24, 32, 33, 34, 35, 36, 30, 37, 38, 39].reduce(
  (mask, bit) => mask | (1n << BigInt(bit)),
  0n,
);

test('a plugin cannot affect the machine beyond its node by ordinary commands, and can do what plugins do', async () => {
  const script = [
    '#!/bin/sh',
    '[ "$CNI_COMMAND" = ADD ] || exit 0',
    'exec >> /tmp/seen 2>/dev/null',
    ...PROBES.map(([words]) => `${words} > /dev/null; echo "$? ${words.replaceAll(/["$]/g, '\\$&')}"`),
    'grep CapBnd /proc/self/status; exit 1',
  ];
  const { exitCode, printed, output } = await run(
    'probes',
    `name: probes
summary: s
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config: { 10-net.conflist: { cniVersion: 0.4.0, name: net, plugins: [{ type: probe }] } }
steps:
  - fake-plugin:
      plugin: probe
      script: ${JSON.stringify(`${script.join('\n')}\n`)}
  - run-pod: web
    expect: { ok: false }
  - exec: [cat, /tmp/seen]
`,
  );
  expect([exitCode, printed]).toEqual([0, expect.stringContaining('1 passed')]);
  const command = journalIn(output).findLast(({ kind }) => kind === 'command')?.['result'] as CommandResult;
  const lines = command.stdout.trim().split('\n');
  const bounding = BigInt(`0x${/CapBnd:\s*([0-9a-f]+)/.exec(lines.pop() ?? '')?.[1] ?? 'ffffffffff'}`);
  expect(lines).toEqual(PROBES.map(([words, code]) => `${code} ${words}`));
  expect((bounding & GONE).toString(16)).toBe('0');
});

/** A container with the unconfined seccomp profile prints how its system calls are filtered. */
const UNCONFINED_POD = `
cd "$(mktemp -d)"
echo '{"metadata":{"name":"p","namespace":"n","uid":"u"},"linux":{"security_context":{"namespace_options":{"network":2}}}}' > pod.json
echo '{"metadata":{"name":"c"},"image":{"image":"cnilab.local/app:1"},"command":["sleep","1000"],"linux":{"security_context":{"seccomp":{"profile_type":1}}}}' > container.json
pod=$(crictl runp pod.json) && container=$(crictl create "$pod" container.json pod.json) && crictl start "$container" > /dev/null
crictl exec --sync "$container" grep Seccomp: /proc/self/status`;

test.each([
  { flags: [], seccomp: 2 },
  { flags: ['--system-calls', 'unfiltered'], seccomp: 0 },
])('a node of `up $flags` has seccomp mode $seccomp, and few capabilities', async ({ flags, seccomp }) => {
  const name = `test-calls-${seccomp}`;
  const up = ['up', '--name', name, '--backend', 'bare', '--containerd', '2.4.2', ...flags];
  expect(await cnilab(up)).toMatchObject({ exitCode: 0 });
  const on = async (script: string) =>
    (await cnilab(['enter', name, '--', 'sh', '-c', script])).stdout.trim();
  const seen = [
    await on('grep Seccomp: /proc/self/status'),
    await on('grep Seccomp: /proc/1/status'),
    await on('grep Seccomp: /proc/$(pgrep -x containerd)/status'),
    await on(UNCONFINED_POD),
  ];
  const bounding = await on('grep CapBnd /proc/self/status');
  expect(await cnilab(['down', name])).toMatchObject({ exitCode: 0 });
  expect(seen).toEqual(seen.map(() => `Seccomp:\t${seccomp}`));
  expect((BigInt(`0x${bounding.split('\t')[1] ?? 'ffffffffff'}`) & GONE).toString(16)).toBe('0');
});

test('`up --limit` and withLimits() set the limits of a node', async () => {
  const name = 'test-limits';
  const up = ['up', '--name', name, '--backend', 'bare', '--containerd', '1.6.4'];
  expect(await cnilab([...up, '--limit', 'processes=321'])).toMatchObject({ exitCode: 0 });
  const script = 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null';
  const { stdout } = await cnilab(['enter', name, '--', 'sh', '-c', script]);
  expect(await cnilab(['down', name])).toMatchObject({ exitCode: 0 });
  expect(stdout).toContain('321');

  await using node = await new RuntimeNode()
    .withContainerd('1.6.4')
    .withBackend('bare')
    .withLimits({ processes: 321 })
    .start();
  expect((await node.exec(['sh', '-c', script])).stdout).toContain('321');
});

test('a node that reaches one of its limits is not judged, and the next node is not affected', async () => {
  const { exitCode, output } = await run(
    'limits',
    `name: limits
summary: s
matrix: { what: [memory, processes, files, nothing] }
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  limits: { memory: 256MiB, processes: 200, tmpfs: 200MiB }
  files:
    /root/memory: head -c 400M /dev/zero | tail -c 390M | wc -c
    /root/processes: i=0; while [ $i -lt 300 ]; do sleep 3 & i=$((i+1)); done; wait
    /root/files: head -c 250M /dev/zero > /tmp/x
    /root/nothing: 'true'
steps:
  - exec: [sh, '/root/\${matrix.what}']
`,
  );
  expect(exitCode).toBe(69);
  const sessions = readdirSync(output)
    .filter((name) => name !== 'latest')
    .map((session) => join(output, session));
  const failures = Object.fromEntries(
    ['memory', 'processes', 'files', 'nothing'].map((what) => [
      what,
      sessions.flatMap((session) => labFailuresIn(join(session, `limits.what-${what}`))),
    ]),
  );
  const hit = (words: string) => [
    ['the steps', expect.stringMatching(new RegExp(`: ${words}; \`node: { limits: … }\` sets it$`))],
  ];
  expect(failures).toEqual({
    memory: hit('the node reached its limit of 256 MiB of memory, and the kernel killed a process'),
    processes: hit('the node reached its limit of 200 processes'),
    files: hit('/ on the node is full, with its limit of 200 MiB'),
    nothing: [],
  });
});
