import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ambientWorld } from '../../lab/assembly/ambient.ts';
import { addressOf, type NodeGroup } from '../../lab/nodes/group.ts';
import type { BackendName, LabNode, NodeMaker, RunningNode } from '../../lab/nodes/node.ts';
import { bundleOf } from './bundle.ts';
import { cnilab } from './cnilab.ts';
import { containerLab } from './container-lab.ts';
import { startEngine, type EngineName, type TestEngine } from './engine.ts';
import { cgroupsWith, processesWith } from './launched.ts';
import { makerFor } from './maker.ts';
import { qemuForTests } from './qemu.ts';
import { scratchFolder } from './scratch.ts';
import { until } from './until.ts';

const folder = scratchFolder();

/** What a shell on the node prints to both streams, and the exit code if it is not 0. */
async function sh(node: LabNode, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await node.exec(['sh', '-c', script], { timeoutMs: 60_000 });
  return `${stdout}${stderr}${exitCode === 0 ? '' : `exit ${exitCode}`}`.trim();
}

const named = (suffix: string, aliases: readonly string[]) =>
  aliases.map((alias) => ({ name: `test-${process.pid}-${suffix}-${alias}`, alias }));

/** What a node has on this host, or the network of a group whose first node it is. */
const leftOf = (name: string): readonly string[] => [
  ...processesWith(name).filter((command) => !command.includes('program.mjs')),
  ...['nodes', 'vm-nodes']
    .map((kind) => join(ambientWorld().stateHostPath, kind))
    .flatMap((records) => (existsSync(records) ? readdirSync(records) : []))
    .filter((entry) => entry.startsWith(name)),
  ...cgroupsWith(name),
];

/** Where nodes run. */
export interface Place {
  readonly backend: BackendName;
  readonly engine?: EngineName;
}

/** The tests of node groups that every backend has to pass. Call it in a test file of its own. */
export function testGroups(title: string, { backend, engine: engineName }: Place): void {
  describe(title, () => {
    let engine: TestEngine | undefined;
    let env: Readonly<Record<string, string>> = {};
    let maker: NodeMaker;
    let group: NodeGroup;
    let nodes: readonly RunningNode[] = [];

    beforeAll(async () => {
      if (backend === 'vm') env = { CNILAB_QEMU: await qemuForTests() };
      engine = engineName === undefined ? undefined : await startEngine(engineName);
      if (engine !== undefined) env = { DOCKER_HOST: engine.url };
      maker = await makerFor(backend, env);
      const members = named('group', ['one', 'two', 'three']);
      group = await maker.group(members);
      nodes = await Promise.all(members.map(({ name }) => group.start({ name, artifacts: [] })));
    });
    afterAll(async () => {
      await Promise.all(nodes.map((node) => node.end()));
      await group.close();
      await maker.end();
      await engine?.[Symbol.asyncDispose]();
    });
    const first = (): RunningNode => nodes[0] ?? expect.fail('a node');

    test('each node has an interface with its own address, and no route leads out', async () => {
      for (const [index, node] of nodes.entries()) {
        const shown = await sh(
          node,
          'hostname; ip -o address show dev lab0 scope global; ip route; ls /sys/class/net',
        );
        const lines = shown.split('\n').map((line) => line.replaceAll(/\s+/g, ' ').trim());
        expect(lines).toEqual([
          node.name,
          expect.stringContaining(`lab0 inet 10.89.0.${index + 1}/24 `),
          expect.stringContaining(`lab0 inet6 fd00:89::${index + 1}/64 `),
          `10.89.0.0/24 dev lab0 proto kernel scope link src 10.89.0.${index + 1}`,
          'lab0',
          'lo',
        ]);
      }
    });

    test('each node reaches the others by their addresses and by their names', async () => {
      for (const [index, node] of nodes.entries()) {
        // nobody listens there: an answer of that node that says so shows that it was reached
        for (const host of [addressOf(index + 1), `[fd00:89::${index + 1}]`])
          for (const from of nodes)
            expect(await sh(from, `/lab/bin/agent connect --timeout-ms 20000 ${host}:9`)).toMatch(
              /connection refused\nexit 1$/,
            );
        expect(await sh(node, 'getent hosts one two three | grep -c .')).toBe('3');
        expect(await sh(node, 'getent ahostsv4 two | head -1')).toContain('10.89.0.2');
      }
      expect(await sh(first(), '/lab/bin/agent connect 10.89.0.77:9')).toMatch(
        /no route to host|i\/o timeout/,
      );
      expect(await sh(first(), '/lab/bin/agent connect 10.90.0.1:9')).toContain('network is unreachable');
    });

    test('a first look lists nothing of the network', async () => {
      for (const node of nodes) expect((await node.look()).items).toEqual([]);
    });

    test('the network exists while one of its nodes exists', async () => {
      const members = named('close', ['one', 'two']);
      const small = await maker.group(members);
      const [one, two] = await Promise.all(members.map(({ name }) => small.start({ name, artifacts: [] })));
      await small.close();
      expect(
        await sh(two ?? expect.fail(), '/lab/bin/agent connect --timeout-ms 20000 10.89.0.1:9'),
      ).toContain('connection refused');
      await Promise.all([one?.end(), two?.end()]);
    });

    test('groups do not see each other', async () => {
      const members = named('other', ['one', 'two', 'three', 'four']);
      const other = await maker.group(members);
      const fourth = await other.start({ name: members[3]?.name ?? '', artifacts: [] });
      expect(await sh(fourth, '/lab/bin/agent connect 10.89.0.1:9')).not.toContain('refused');
      expect(await sh(first(), '/lab/bin/agent connect 10.89.0.4:9')).not.toContain('refused');
      await fourth.end();
      await other.close();
    });

    test('a single node has no other interface', async () => {
      const node = await maker.start({ name: `test-${process.pid}-alone`, artifacts: [] });
      expect(await sh(node, 'ls /sys/class/net; cat /etc/hosts')).toBe(
        `lo\n127.0.0.1 localhost\n127.0.1.1 ${node.name}\n::1 localhost ip6-localhost ip6-loopback`,
      );
      await node.end();
    });

    test('a node that reboots keeps its disk and its name, and nothing else', async () => {
      const node = await maker.start({ name: `test-${process.pid}-reboots`, artifacts: [] });
      const before = await sh(
        node,
        `ip link add br0 type bridge; ip link set br0 up; ip address add 10.1.0.1/24 dev br0; ip rule add from 10.1.0.9 table 9
         ip netns add x; mount -t tmpfs t /mnt; touch /run/gone /tmp/gone /dev/shm/gone /etc/kept /var/lib/kept /opt/kept
         setsid sleep 1000 >/dev/null 2>&1 & sleep 0.1
         ps -e -o comm= | grep -c sleep; cat /proc/sys/kernel/random/boot_id`,
      );
      const [running, bootId] = before.split('\n');
      expect(running).toBe('1');
      await node.reboot();
      expect((await node.look()).items).toEqual([]);
      const after = await sh(
        node,
        `ls /run /tmp /dev/shm /etc/kept /var/lib/kept /opt/kept /sys/class/net; hostname; ps -e -o comm= | grep -c sleep; cat /proc/sys/kernel/random/boot_id`,
      );
      expect(after.split('\n').slice(0, -1)).toEqual([
        ...['/etc/kept', '/opt/kept', '/var/lib/kept', '', '/dev/shm:', '', '/run:', 'lock', ''],
        ...['/sys/class/net:', 'lo', '', '/tmp:', node.name, '0'],
      ]);
      expect(after.split('\n').at(-1)).not.toBe(bootId);
      await node.end();
    });

    test('a node of a group can be reached again after a reboot, and nothing that it had set up remains', async () => {
      const last = nodes.at(-1) ?? expect.fail('a node');
      await sh(
        last,
        'ip address add 10.89.0.99/24 dev lab0; ip link add br0 type bridge; ip link set br0 up',
      );
      await last.reboot();
      expect(await sh(last, 'ls /sys/class/net; ip -o -4 address show dev lab0 | grep -c inet')).toBe(
        'lab0\nlo\n1',
      );
      for (const host of ['10.89.0.3', '[fd00:89::3]'])
        expect(await sh(first(), `/lab/bin/agent connect --timeout-ms 20000 ${host}:9`)).toContain(
          'connection refused',
        );
      expect((await last.look()).items).toEqual([]);
    });

    test('an interactive command runs in the network of its node', async () => {
      const entered = await cnilab(
        ['enter', first().name, '--', 'ip', '-o', '-4', 'address', 'show', 'lab0'],
        {
          env,
        },
      );
      expect(entered).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining(' 10.89.0.1/24 ') as string,
      });
    });

    test('a kept group outlives its lab with its network, and is gone when its nodes are ended', async () => {
      const engineBefore = engine && (await containerLab(engine).state());
      const members = named('kept', ['one', 'two']);
      const kept = await maker.group(members);
      const up = await Promise.all(members.map(({ name }) => kept.start({ name, artifacts: [] })));
      for (const node of up) await node.keep();
      await kept.close();
      const [one, two] = members.map(({ name }) => name);
      const dial = ['/lab/bin/agent', 'connect', '--timeout-ms', '20000', '10.89.0.2:9'];
      const dialled = await cnilab(['enter', one ?? '', '--', ...dial], { env });
      expect(dialled).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('refused') as string });
      expect(await cnilab(['clean'], { env })).toMatchObject({ stdout: '' });
      for (const name of [one, two])
        expect(await cnilab(['down', name ?? ''], { env })).toMatchObject({ exitCode: 0 });
      for (const { name } of members) await until(`the end of ${name}`, () => leftOf(name).length === 0);
      if (engine !== undefined) expect(await containerLab(engine).state()).toEqual(engineBefore);
    });

    test('kill -9 of the lab with a running group leaves nothing behind', async () => {
      const links = readdirSync('/sys/class/net');
      const engineBefore = engine && (await containerLab(engine).state());
      const members = named('killed', ['one', 'two']);
      const program = await bundleOf(
        folder,
        `import { makerFor } from './test/rig/maker.ts';
       const [backend, env, members] = process.argv.slice(2).map((text) => JSON.parse(text));
       const maker = await makerFor(backend, env);
       const group = await maker.group(members);
       await Promise.all(members.map(({ name }) => group.start({ name, artifacts: [] })));
       console.log('up');`,
      );
      const argv = [backend, env, members].map((one) => JSON.stringify(one));
      const lab = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
      let printed = '';
      lab.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      const ended = once(lab, 'exit');
      const closed = once(lab.stdout, 'close');
      await Promise.race([until('the group', () => printed.includes('up\n')), closed]);
      expect(printed).toBe('up\n');
      expect(members.every(({ name }) => leftOf(name).length > 0)).toBe(true);
      expect(readdirSync('/sys/class/net')).toEqual(links);
      lab.kill('SIGKILL');
      await ended;
      for (const { name } of members) await until(`the end of ${name}`, () => leftOf(name).length === 0);
      if (engine === undefined) return;
      await cnilab(['clean'], { env });
      expect(await containerLab(engine).state()).toEqual(engineBefore);
    });
  });
}
