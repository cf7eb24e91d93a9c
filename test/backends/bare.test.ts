import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import { bareBackend, startBareNode } from '../../lab/nodes/backends/bare.ts';
import type { Backend, LabNode, RunningNode } from '../../lab/nodes/node.ts';
import { buildAgent, type AgentForTests } from '../rig/build-agent.ts';
import { processesWith } from '../rig/launched.ts';

vi.setConfig({ testTimeout: 20_000 });

let agent: AgentForTests;
let backend: Backend;
const running: RunningNode[] = [];

beforeAll(() => {
  agent = buildAgent();
  backend = bareBackend(agent);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.end().catch(() => undefined)));
});
afterAll(() => agent[Symbol.dispose]());

const name = (suffix: string) => `test-${process.pid}-${suffix}`;

async function startNode(suffix = 'a', layers: readonly Artifact[] = []): Promise<RunningNode> {
  const node = await startBareNode(agent, { name: name(suffix), layers, nodeTools: agent.nodeTools });
  running.push(node);
  return node;
}

/** What a shell on the node prints to both streams, and the exit code if it is not 0. */
async function sh(node: LabNode, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await node.exec(['sh', '-c', script], { timeoutMs: 20_000 });
  return `${stdout}${stderr}${exitCode === 0 ? '' : `exit ${exitCode}`}`.trim();
}

const groupsOf = (nodeName: string): readonly string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .flatMap((line) => findFolders(line.split(' ')[4] ?? '', nodeName));

function findFolders(folder: string, wanted: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: entry }) =>
      entry.startsWith(`${wanted}.`) ? [join(folder, entry)] : findFolders(join(folder, entry), wanted),
    );
}

/** Processes of the host whose command line contains the text. */
async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await condition()) && waitedMs < 5000; waitedMs += 10) await sleep(10);
  expect(await condition()).toBe(true);
}

test('a node has the usual paths, all its own and empty', async () => {
  const node = await startNode();
  expect(
    await sh(
      node,
      'hostname; pwd; echo $PATH; ls -A /opt /var/lib /root /home /tmp /mnt /srv /run; ls -d /etc/cni /etc/containerd',
    ),
  ).toBe(
    [
      name('a'),
      '/root',
      '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '/home:\n\n/mnt:\n\n/opt:\n\n/root:\n\n/run:\nlock\n\n/srv:\n\n/tmp:\n\n/var/lib:',
      "ls: cannot access '/etc/cni': No such file or directory",
      "ls: cannot access '/etc/containerd': No such file or directory",
      'exit 2',
    ].join('\n'),
  );
});

test('loopback is up; there is no other link and no route out', async () => {
  const node = await startNode();
  expect(await sh(node, 'tail -n +3 /proc/net/dev | cut -d: -f1; cat /proc/net/route | tail -n +2')).toBe(
    'lo',
  );
  expect(await sh(node, '/lab/bin/agent connect 127.0.0.1:9')).toBe(
    'dial tcp 127.0.0.1:9: connect: connection refusedexit 1'.replace('exit', '\nexit'),
  );
  expect(await sh(node, '/lab/bin/agent connect 192.0.2.1:9')).toContain('network is unreachable');
});

test('files that are written on a node do not reach the host', async () => {
  const node = await startNode();
  const file = name('written');
  const folders = ['/etc', '/usr/local', '/root', '/tmp', '/home', '/var/lib', '/run', '/opt'];
  expect(await sh(node, folders.map((folder) => `echo x > ${folder}/${file}`).join(' && '))).toBe('');
  expect(folders.filter((folder) => existsSync(join(folder, file)))).toEqual([]);
  expect(await sh(node, `echo x > /usr/${file}`)).toContain('Read-only file system');
  expect(await sh(node, `echo x > /lab/artifacts/${file}`)).toContain('Read-only file system');
});

test('sysctls of the machine are read-only, those of the network are the node’s own', async () => {
  const node = await startNode();
  const before = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
  expect(await sh(node, 'echo 1 > /proc/sys/vm/overcommit_memory')).toContain('Read-only file system');
  expect(await sh(node, 'echo 1 > /proc/sys/kernel/panic')).toContain('Read-only file system');
  // those that kubelet sets have the values that it wants, whatever the machine has
  const ofMachine = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops'];
  expect(await sh(node, `cd /proc/sys && cat ${ofMachine.join(' ')}`)).toBe('1\n0\n10\n1');
  expect(await sh(node, 'cd /proc/sys/kernel/keys && cat root_maxkeys root_maxbytes')).toBe(
    '1000000\n25000000',
  );
  expect(await sh(node, 'cat /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv4/ip_forward')).toBe(
    '0',
  );
  expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe(before);
});

test('two nodes do not see each other', async () => {
  const [one, two] = await Promise.all([startNode('one'), startNode('two')]);
  await one.writeFiles([{ nodePath: '/run/mine', content: 'one' }]);
  await one.start(['sleep', '1000'], { logPath: '/tmp/log' });
  await sh(one, 'ip link add cni0 type bridge');
  expect(await sh(two, 'ls /run; cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "sleep 100[0]"')).toBe(
    'lock\n0\nexit 1',
  );
  expect((await two.look()).items).toEqual([]);
});

test('files appear whole, links are replaced, and unwanted files are removed', async () => {
  const node = await startNode();
  await node.writeFiles([
    { nodePath: '/opt/a/b', content: 'é\n', mode: 0o750 },
    { nodePath: '/opt/link', linkTo: '/opt/a/b' },
    { nodePath: '/opt/link', linkTo: 'a/b' },
    { nodePath: '/etc/passwd', remove: true },
    { nodePath: '/etc/nothing', remove: true },
  ]);
  expect(
    await sh(
      node,
      'stat -c %a /opt/a/b; readlink /opt/link; ls /etc/passwd; ls -A /opt /opt/a /etc | grep cnilab',
    ),
  ).toBe("750\na/b\nls: cannot access '/etc/passwd': No such file or directory\nexit 1");
  expect(await node.readFile('/opt/link')).toBe('é\n');
  expect(await node.readFile('/opt/link', 2)).toBe('\n');
  await expect(node.readFile('/none')).rejects.toThrow(`${name('a')}: open /none: no such file or directory`);
});

test('a command has its input, environment and folder, and its own exit code or signal', async () => {
  const node = await startNode();
  expect(
    await node.exec(['sh', '-c', 'cat; pwd; echo $A; env | wc -l; exit 3'], {
      stdin: 'in\n',
      env: { A: 'b c' },
      cwd: '/tmp',
    }),
  ).toMatchObject({ exitCode: 3, signal: null, stdout: 'in\n/tmp\nb c\n5\n', stderr: '', timedOut: false });
  expect(await node.exec(['sh', '-c', 'kill -9 $$'])).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  await expect(node.exec(['no-such-program'])).rejects.toThrow(
    'there is no program "no-such-program" on the node',
  );
  const large = 'x'.repeat(3_000_000);
  expect((await node.exec(['cat'], { stdin: large })).stdout).toBe(large);
});

test('a timeout ends the command and everything that it started', async () => {
  const node = await startNode();
  const result = await node.exec(['sh', '-c', 'echo before; sleep 1000 & sleep 1000'], { timeoutMs: 200 });
  expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', stdout: 'before\n', timedOut: true });
  expect((await node.look()).items).toEqual([]);
});

test('a process that a command leaves in the background does not delay the command, and a look lists it', async () => {
  const node = await startNode();
  const result = await node.exec(['sh', '-c', 'sleep 1000 & echo done'], { timeoutMs: 60_000 });
  expect([result.stdout, result.timedOut]).toEqual(['done\n', false]);
  // the process is a shell for a moment, before it becomes sleep
  await expect
    .poll(async () => (await node.look()).items)
    .toMatchObject([{ kind: 'process', name: 'sleep 1000' }]);
});

test('orphans are reaped and do not take the exit code of another process', async () => {
  const node = await startNode();
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, code) =>
      node.exec(['sh', '-c', `(sleep 0.0${code % 5} &) ; exit ${code}`]),
    ),
  );
  expect(results.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 40 }, (_, code) => code));
  await sleep(100);
  expect(await sh(node, 'cat /proc/[0-9]*/stat | grep -c " Z "')).toBe('0\nexit 1');
});

test('a background process ends when it gets a signal, and its end is reported', async () => {
  const node = await startNode();
  const started = await node.start(['sh', '-c', 'echo up; exec sleep 1000'], {
    logPath: '/var/log/deep/log',
  });
  await eventually(async () => (await node.readFile('/var/log/deep/log')) === 'up\n');
  expect((await node.look()).items).toEqual([]); // it belongs to the lab
  await started.signal('KILL');
  expect(await started.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
  await started.signal('KILL'); // no effect: it has ended
  expect(await node.readFile('/var/log/deep/log')).toBe('up\n');
});

test('a look lists links, reservations, results and mounts, and reports what it cannot see', async () => {
  const node = await startNode();
  await sh(
    node,
    [
      'ip link add cni0 type bridge && ip link add veth1 type veth peer name veth2 && ip link set veth1 master cni0',
      'ip netns add cni-1 && mkdir -p /var/lib/cni/networks/net /var/lib/cni/results && cd /var/lib/cni',
      'printf "abc\\r\\neth0" > networks/net/10.88.0.2 && touch networks/net/last_reserved_ip.0 results/net-abc-eth0',
      'mkdir -p /run/containerd/x && mount -t tmpfs x /run/containerd/x',
    ].join(' && '),
  );
  const { items, unseen } = await node.look();
  expect(items.map(({ kind, name: item }) => `${kind} ${item}`)).toEqual([
    'bridge cni0',
    'bridge-port cni0/veth1',
    'cni-result net-abc-eth0',
    'ipam net/10.88.0.2',
    'ipam-state net/last_reserved_ip.0',
    'mount /run/containerd/x',
    'mount /run/netns',
    'netns cni-1',
    'netns-mount /run/netns/cni-1',
    'veth veth1',
    'veth veth2',
  ]);
  expect(items.find(({ kind }) => kind === 'ipam')?.detail).toEqual({ id: 'abc', ifname: 'eth0' });
  const why = 'which runtime the node has is not known';
  expect(unseen).toEqual([
    { kind: 'container', why },
    { kind: 'sandbox', why },
  ]);
  expect(await node.runtimeStatus()).toEqual({ answered: false, why });
});

test('a node reports its resource usage', async () => {
  const node = await startNode();
  await sh(node, 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done');
  const { cpuMs, memoryPeakBytes } = await node.usage();
  expect([cpuMs ?? 0, memoryPeakBytes ?? 0].every((figure) => figure > 0)).toBe(true);
});

test('the files of a layer replace the programs of the host', async () => {
  const hostPath = join(agent.artifactsHostPath, 'layer:,1');
  for (const folder of ['usr/bin', 'etc/alternatives'])
    await mkdir(join(hostPath, folder), { recursive: true });
  writeFileSync(join(hostPath, 'usr/bin/of-the-layer'), '#!/bin/sh\necho layer\n', { mode: 0o755 });
  writeFileSync(join(hostPath, 'etc/alternatives/of-the-layer'), 'yes\n');
  const node = await startNode('a', [{ ...agent.nodeTools, hostPath }]);
  expect(await sh(node, 'of-the-layer; cat /etc/alternatives/of-the-layer; ls -d /usr/bin/env')).toBe(
    'layer\nyes\n/usr/bin/env',
  );
});

test('artifacts are visible at their path in the cache', async () => {
  const node = await startNode();
  expect(await node.provide(agent.nodeTools)).toBe('/lab/artifacts/node-tools');
  expect(await sh(node, 'ls /lab/artifacts/node-tools/bin')).toBe('agent');
});

test('the end of a node leaves nothing behind, and a second end has no effect', async () => {
  const node = await startNode();
  expect(groupsOf(name('a')).length).toBeGreaterThan(0);
  await node.end();
  await node.end();
  expect(groupsOf(name('a'))).toEqual([]);
  expect(readdirSync(agent.stateHostPath)).toEqual(['root']);
  expect(processesWith(name('a'))).toEqual([]);
  await expect(node.exec(['true'])).rejects.toThrow(`${name('a')} has been ended`);
});

test('a second node of the same name is refused while the first is up', async () => {
  await startNode();
  await expect(startNode()).rejects.toThrow(
    `node ${name('a')} did not start: a node named ${name('a')} is up already`,
  );
});

test('kill -9 of the launcher ends the node and fails pending commands, and a sweep removes the rest', async () => {
  const node = await startNode();
  const record: unknown = JSON.parse(readFileSync(join(agent.stateHostPath, `${name('a')}.json`), 'utf8'));
  const waiting = node.exec(['sleep', '1000']).then(() => 'it worked', String);
  await sleep(50);
  process.kill(Number(Reflect.get(Object(record), 'launcherPid')), 'SIGKILL');
  expect(await waiting).toBe(`LabError: ${name('a')} is gone: its launcher ended with SIGKILL`);
  await eventually(() => processesWith(name('a')).length === 0);
  expect(groupsOf(name('a')).length).toBeGreaterThan(0);
  expect(await backend.nodes()).toEqual([]);
  expect(await backend.sweep()).toEqual([`removed what was left of node ${name('a')}`]);
  expect(groupsOf(name('a'))).toEqual([]);
  expect(readdirSync(agent.stateHostPath)).toEqual(['root']);
});

test('a sweep does not touch a node that is up', async () => {
  const node = await startNode();
  expect(await backend.sweep()).toEqual([]);
  expect(await sh(node, 'echo here')).toBe('here');
  expect((await backend.nodes()).map((one) => [one.name, one.kept])).toEqual([[name('a'), false]]);
});

/** How long the process that a lab leaves on its node sleeps, so that it is found among those of other tests. */
const SLEEPS = `4321.${process.pid}`;

/** A lab in a process of its own, which starts a node and then runs the code in `then`. */
const startLab = (then: string) =>
  startProgram(`
     const node = await startBareNode(options, { name: ${JSON.stringify(name('b'))}, layers: [], nodeTools: options.nodeTools });
     await node.exec(['sh', '-c', 'ip link add cni0 type bridge; ip netns add one; setsid sleep ${SLEEPS} &']);
     ${then}`);

/** A program in a process of its own, with the backend's `options`. `line` is the first line that it prints. */
async function startProgram(text: string) {
  const folder = mkdtempSync(join(agent.artifactsHostPath, '..', 'lab-'));
  const root = fileURLToPath(new URL('../..', import.meta.url));
  writeFileSync(
    join(folder, 'lab.ts'),
    `import { bareBackend, startBareNode } from ${JSON.stringify(join(root, 'lab/nodes/backends/bare.ts'))};
     const options = ${JSON.stringify(agent)};
     ${text}`,
  );
  await build({
    entryPoints: [join(folder, 'lab.ts')],
    outfile: join(folder, 'lab.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const lab = spawn(process.execPath, [join(folder, 'lab.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => lab.once('exit', () => resolve()));
  const line = await new Promise<string>((resolve) =>
    lab.stdout.once('data', (data: Buffer) => resolve(String(data))),
  );
  rmSync(folder, { recursive: true, force: true });
  return { lab, line, exited };
}

test('kill -9 of the lab leaves no process, mount, network namespace or cgroup', async () => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  const { lab } = await startLab(`console.log('up'); setInterval(() => {}, 1000);`);
  await eventually(() => processesWith(`sleep ${SLEEPS}`).length === 1); // setsid becomes it
  lab.kill('SIGKILL');
  await eventually(() => processesWith(name('b')).length === 0 && groupsOf(name('b')).length === 0);
  expect(processesWith(`sleep ${SLEEPS}`)).toEqual([]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(mounts);
  expect(readdirSync(agent.stateHostPath)).toEqual(['root']);
});

test('a kept node outlives its lab, can be entered, and can be ended', async () => {
  const { exited } = await startLab(`await node.keep(); console.log('kept');`);
  await exited;
  expect((await backend.nodes()).map((one) => [one.name, one.kept])).toEqual([[name('b'), true]]);
  expect(await backend.sweep()).toEqual([]);
  const { line } = await startProgram(`
    const terminal = { input: process.stdin, output: process.stdout, error: process.stderr, onSignal: () => {} };
    const words = 'echo $(hostname) $(grep -vc ":/$" /proc/self/cgroup) $(ls /sys/class/net)';
    await bareBackend(options).enter(${JSON.stringify(name('b'))}, ['sh', '-c', words], terminal);`);
  expect(line).toBe(`${name('b')} 0 cni0 lo\n`);
  await backend.down(name('b'));
  expect(processesWith(`sleep ${SLEEPS}`)).toEqual([]);
  expect(groupsOf(name('b'))).toEqual([]);
  await expect(backend.down(name('b'))).rejects.toThrow(`there is no node named ${name('b')}`);
});

test('a node that cannot be made gives the reason', async () => {
  const broken = { ...agent, artifactsHostPath: '/proc/1' };
  const layers = [{ ...agent.nodeTools, hostPath: '/no/such/layer' }];
  await expect(
    startBareNode(broken, { name: name('c'), layers, nodeTools: agent.nodeTools }),
  ).rejects.toThrow(`node ${name('c')} did not start: lstat /no: no such file or directory`);
});
