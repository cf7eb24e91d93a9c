import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Artifact } from '../../lab/artifacts/artifact.ts';
import type { CommandResult } from '../../lab/core/ports.ts';
import { machineWithNodes, type MachineWithNodes } from '../rig/machine-with-nodes.ts';
import { scratchFolder } from '../rig/scratch.ts';
import { journalIn, labFailuresIn } from '../rig/journal.ts';

/** System calls of rig/calls, for which the machine has no tool. */
const CALLS = 'settimeofday adjtimex kexec_load init_module perf_event_open acct quotactl syslog'.split(' ');

/** What a plugin or a person might write, and what would harm a whole machine. */
const HARMFUL = [
  'date -s 2001-09-09',
  'busybox date -s 2001-09-09',
  'hwclock --hctosys; hwclock --systohc',
  'rtcwake -m no -s 1000',
  `calls ${CALLS.join(' ')}`,
  'mount -o remount,rw /proc/sys; sysctl -w kernel.panic=11',
  'mount -o remount,bind,rw /proc/sys; sysctl -w kernel.panic=12',
  'mount -o remount,bind,rw /proc/sys /proc/sys; sysctl -w kernel.panic=13',
  'busybox mount -o remount,rw /proc/sys; sysctl -w kernel.panic=14',
  'busybox mount -o remount,bind,rw /proc/sys; sysctl -w kernel.panic=15',
  'busybox mount -o remount,bind,rw none /proc/sys; sysctl -w kernel.panic=16',
  'sysctl -w vm.overcommit_memory=1 kernel.core_pattern=core kernel.randomize_va_space=0 fs.file-max=12345',
  'sysctl -w vm.swappiness=1 kernel.hung_task_timeout_secs=1 kernel.pid_max=40000',
  'echo /bin/true > /proc/sys/kernel/core_pattern; echo 3 > /proc/sys/vm/drop_caches',
  'sysctl -w net.core.rmem_max=4000 net.ipv4.tcp_mem="1 2 3" net.ipv4.ip_forward=1 net.core.somaxconn=99',
  'for irq in /proc/irq/*/smp_affinity /proc/irq/default_smp_affinity; do echo 1 > $irq; done 2> /dev/null',
  'echo h > /proc/sysrq-trigger',
  'echo "file kobject.c +p" > /proc/dynamic_debug/control',
  'mount -o remount,rw /sys; echo never > /sys/kernel/mm/transparent_hugepage/enabled',
  'mount -o remount,bind,rw /sys; echo 77 > /sys/kernel/mm/ksm/pages_to_scan',
  'mount -o remount,bind,rw /sys /sys; echo 78 > /sys/kernel/mm/ksm/pages_to_scan',
  'mkdir /sys/fs/cgroup/of-the-node',
  'mount -o remount,ro /sys/fs/cgroup',
  'mount -o remount,ro /sys/fs/cgroup /sys/fs/cgroup',
  'mount -o remount,ro /lab/artifacts',
  'mount -o remount,ro /lab/artifacts /lab/artifacts',
  'mount -o remount,bind,rw /lab/artifacts; touch /lab/artifacts/written',
  'mount -o remount,bind,rw /lab/artifacts /lab/artifacts; touch /lab/artifacts/written',
  'rm -f /lab/artifacts/tools/victim; touch /usr/bin/here',
  'fsfreeze --freeze /lab/artifacts; fsfreeze --freeze /usr',
  'modprobe zram; insmod /lib/modules/$(uname -r)/kernel/drivers/block/zram/zram.ko',
  'modprobe -r dummy; rmmod dummy',
  'swapoff -a; swapoff /dev/loop0',
  'dd if=/dev/zero of=/tmp/swap bs=1M count=1; mkswap /tmp/swap; swapon /tmp/swap',
  'dmesg -C; dmesg -n 1',
  'mknod /tmp/loop0 b 7 0 && dd if=/dev/zero of=/tmp/loop0 bs=4096 count=1',
  'mknod /tmp/disk b 254 0 && mount /tmp/disk /mnt',
  'mknod /dev/loop-control c 10 237; mknod /dev/loop1 b 7 1; losetup /dev/loop1 /tmp/swap',
  'losetup -D; losetup -d /dev/loop0',
  'mknod /tmp/mem c 1 1 && dd if=/tmp/mem of=/tmp/x count=1',
  'kill -9 $(cat /lab/artifacts/tools/pid /run/tools/pid); pkill -9 of-the-machine',
  'hostname harmed; echo harmed > /etc/hostname; echo harm >> /etc/hosts',
  'iptables -P FORWARD DROP; iptables -A INPUT -j DROP; ip link set lo down',
  'chrt -f 50 true; nice -n -5 true; ionice -c 1 true; ulimit -c unlimited',
  'ipcmk -M 4096; touch /dev/shm/x /run/x /tmp/x /root/x',
];

/** If any of these worked, the machine would be gone, or could no longer show its state. */
const DEADLY = [
  'calls reboot',
  'busybox reboot -f; busybox poweroff -f; busybox halt -f',
  'busybox poweroff',
  'umount /proc/sys/net /proc/sys; sysctl -w kernel.panic=21',
  'busybox umount /proc/sys; sysctl -w kernel.panic=22',
  'umount /proc/sysrq-trigger; echo h > /proc/sysrq-trigger',
  'umount -R /sys; mount -o remount,bind,rw /sys; echo 79 > /sys/kernel/mm/ksm/pages_to_scan',
  'umount -R /proc; mount -o remount,bind,rw /proc; sysctl -w kernel.panic=23',
  'busybox umount -a -r; sysctl -w kernel.panic=24',
  'umount -a; sysctl -w kernel.panic=25; echo h > /proc/sysrq-trigger',
];

const TOOLS = 'PATH=$PATH:/sbin:/usr/sbin:/lab/artifacts/tools:/run/tools';

const script = (commands: readonly string[], seconds = 60) =>
  [
    '#!/bin/sh',
    '[ "$CNI_COMMAND" = ADD ] || exit 0',
    `export ${TOOLS}`,
    'exec >> /run/seen 2>&1 < /dev/null',
    ...commands.map((command) => `timeout ${seconds} sh -c ${quoted(command)}; echo "$? "${quoted(command)}`),
    'exit 1',
    '',
  ].join('\n');

/** On a busy host, an emulated machine needs minutes until one of these has reached its limit. */
const MUCH_MEMORY = 'head -c 400M /dev/zero | tail -c 390M | wc -c';
const MANY_PROCESSES = 'i=0; while [ $i -lt 300 ]; do sleep 300 & i=$((i+1)); done; wait';

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The state of the rest of the machine, each part as text that only harm changes. */
const STATE = {
  clock: 'sed -n "s/^btime //p" /proc/stat',
  boot: 'cat /proc/sys/kernel/random/boot_id',
  // without counters and without files that are only written
  sysctls:
    'find /proc/sys -type f ! -path "*/random/*" ! -name "*-nr" ! -name "*-state" ! -name inode-nr ! -name nr ! -name ns_last_pid ! -name stat_refresh ! -path "*/conf/*" ! -path "*/neigh/*" -perm -400 | sort | xargs grep -s ""',
  settings:
    'find /sys/kernel/mm /sys/module/*/parameters /sys/power /sys/block/*/queue /sys/devices/system/clocksource /proc/irq/*/smp_affinity -type f -perm -400 ! -path "*/hugepages/*" ! -path "*/lru_gen/*" ! -name wakeup_count ! -path "*/suspend_stats/*" ! -name full_scans ! -name pages_collapsed | sort | xargs grep -s ""',
  debug: 'grep -c "=p" /proc/dynamic_debug/control',
  mounts: 'cat /proc/self/mountinfo',
  swap: 'cut -d" " -f1 /proc/swaps; dd if=/run/swap bs=4096 count=1 status=none | sha256sum',
  modules: 'cut -d" " -f1 /proc/modules | sort',
  log: 'dmesg | head -3; dmesg | grep -ci sysrq',
  processes: 'ps -o pid,comm --ppid 2 -p 2 --deselect | grep -vE " (sh|ps|grep|sleep)$"',
  files: 'find /run/cache/upper /usr/local /etc /root -type f | sort | xargs sha256sum',
  name: 'hostname; cat /etc/hostname',
  network: 'nft list ruleset; ip -o address; ip route',
  groups: 'cd /sys/fs/cgroup; find . -type d | grep -v cnilab; cat cgroup.subtree_control',
} as const;

type State = Readonly<Record<keyof typeof STATE, string>>;

async function stateOf({ machine }: MachineWithNodes): Promise<State> {
  const seen: Record<string, string> = {};
  for (const [what, command] of Object.entries(STATE)) {
    const { stdout, stderr } = await machine.exec(['sh', '-c', command], { timeoutMs: 60_000 });
    if (stdout === '' && what !== 'network')
      throw new Error(`${what} of the machine is not known: ${stderr}`);
    seen[what] = stdout;
  }
  return seen as State;
}

/** The clock of a machine is corrected by less than this, by its reader and by rounding. */
const CLOCK_SECONDS = 60;

const changes = (before: State, after: State): readonly (keyof State)[] =>
  (Object.keys(STATE) as (keyof State)[]).filter((what) =>
    what === 'clock'
      ? Math.abs(Number(after.clock) - Number(before.clock)) > CLOCK_SECONDS
      : after[what] !== before[what],
  );

const folder = scratchFolder();
let host: MachineWithNodes;
let before: State;

beforeAll(async () => {
  const file = join(folder, 'harm.yaml');
  writeFileSync(
    file,
    `name: harm
summary: s
matrix: { what: [nothing, harmful, memory, processes] }
node:
  containerd: 1.6.4
  cni-plugins: 1.1.1
  cni-config: { 10-net.conflist: { cniVersion: 0.4.0, name: net, plugins: [{ type: harm }] } }
  limits: { memory: 256MiB, processes: 200, tmpfs: 100MiB }
  files:
    /root/nothing: ${JSON.stringify(script([]))}
    /root/harmful: ${JSON.stringify(script([...HARMFUL, ...DEADLY]))}
    /root/memory: ${JSON.stringify(script([MUCH_MEMORY], 300))}
    /root/processes: ${JSON.stringify(script([MANY_PROCESSES], 300))}
steps:
  - fake-plugin:
      plugin: harm
      script: ${JSON.stringify('#!/bin/sh\nexec sh /root/${matrix.what}\n')}
  - run-pod: web
    expect: { ok: false }
  - exec: [cat, /run/seen]
`,
  );
  host = await machineWithNodes(file, folder);
  await furnish(host);
});
afterAll(() => host?.[Symbol.asyncDispose]());

/** The machine is a node too, and must be like a host. */
const COVERS = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'acpi', 'dynamic_debug'].map(
  (name) => `/proc/${name}`,
);

/** Adds what a node does not have: swap, a module that nothing uses, other programs. */
async function furnish({ machine, own, cachePath }: MachineWithNodes): Promise<void> {
  const provided = await machine.provide(await tools(own));
  const commands = [
    `mkdir -p /run/tools ${cachePath}/tools`,
    `cp ${provided}/* /run/tools`,
    `cp ${provided}/* ${cachePath}/tools`,
    `echo > ${cachePath}/tools/victim`,
    `umount -l ${COVERS.join(' ')}`,
    'mount -o remount,bind,rw /sys',
    'modprobe loop',
    'modprobe dummy',
    'mknod /dev/loop-control c 10 237',
    'mknod /dev/loop0 b 7 0',
    'dd if=/dev/zero of=/run/swap bs=1M count=8',
    'losetup /dev/loop0 /run/swap',
    'mkswap /dev/loop0',
    'swapon /dev/loop0',
    'iptables -L',
    'cp /bin/sleep /run/of-the-machine',
  ];
  const { exitCode, stderr } = await machine.exec(['sh', '-c', `export ${TOOLS}; ${commands.join(' && ')}`]);
  if (exitCode !== 0) throw new Error(stderr);
  const { pid } = await machine.start(['/run/of-the-machine', '10000'], { logPath: '/dev/null' });
  const known = ['/run', cachePath].map((base) => ({ nodePath: `${base}/tools/pid`, content: `${pid}\n` }));
  await machine.writeFiles(known);
}

/** Programs that the machine lacks: busybox, whose mount differs from mount(8), and rig/calls. */
async function tools(own: MachineWithNodes['own']): Promise<Artifact> {
  const image = await own('app-image');
  const hostPath = join(folder, 'tools');
  const unpacked = join(folder, 'image');
  mkdirSync(hostPath);
  mkdirSync(unpacked);
  execFileSync('tar', ['-xf', join(image.hostPath, 'app.tar'), '-C', unpacked]);
  const [layer = ''] = readdirSync(join(unpacked, 'blobs/sha256')).filter((blob) => {
    try {
      return execFileSync('tar', ['-tf', join(unpacked, 'blobs/sha256', blob)], { stdio: 'pipe' }).includes(
        'bin/busybox',
      );
    } catch {
      return false; // a manifest
    }
  });
  execFileSync('tar', [
    ...['-xf', join(unpacked, 'blobs/sha256', layer), '-C', hostPath],
    ...['--strip-components=1', 'bin/busybox'],
  ]);
  execFileSync('go', ['build', '-trimpath', '-o', join(hostPath, 'calls'), '.'], {
    cwd: new URL('../rig/calls', import.meta.url),
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const files = ['busybox', 'calls'].map((path) => ({ path, sha256: '', sizeBytes: 0, executable: true }));
  return { ...image, name: 'tools', key: 'tools', hostPath, files };
}

/** Takes the cells, each on its own node on the machine. Returns how they ended, and what the lab could not do. */
async function take(...what: readonly string[]) {
  const output = join(folder, what.join('-'));
  const outcome = await host.run(
    host.runs.filter(({ cell }) => what.includes(cell['what'] ?? '')),
    output,
  );
  return {
    outcome,
    failures: Object.fromEntries(what.map((one) => [one, labFailuresIn(join(output, `harm.what-${one}`))])),
    commands: journalIn(output).filter(({ kind }) => kind === 'command'),
  };
}

test('what a harmful plugin does stays on its node', async () => {
  const nothing = { outcome: 'pass', failures: { nothing: [] } };
  expect(await take('nothing')).toMatchObject(nothing);
  before = await stateOf(host); // from here on, all modules for the networks and file systems of nodes are loaded

  const { outcome, failures, commands } = await take('harmful');
  const after = await stateOf(host);
  const { stdout: seen } = commands.at(-1)?.['result'] as CommandResult;
  expect(changes(before, after)).toEqual([]);
  expect({ outcome, failures }).toEqual({ outcome: 'pass', failures: { harmful: [] } });
  const tried = [...HARMFUL, ...DEADLY];
  expect(seen.split('\n').flatMap((line) => /^\d+ (.*)$/.exec(line)?.[1] ?? [])).toEqual(
    expect.arrayContaining(tried),
  );
  // not visible in the machine's state
  expect(seen).toContain(CALLS.map((call) => `${call} operation not permitted\n`).join(''));
  for (const place of ['/lab/artifacts', '/usr'])
    expect(seen).toContain(`fsfreeze: ${place}: freeze failed: Operation not permitted\n`);
});

test('on a pure v2 host too, a node that reaches one of its limits is not judged', async () => {
  const hit = (words: string) => [
    ['the steps', expect.stringMatching(new RegExp(`: ${words}; \`node: { limits: … }\` sets it$`))],
  ];
  expect(await take('memory', 'processes')).toMatchObject({
    outcome: 'inconclusive',
    failures: {
      memory: hit('the node reached its limit of 256 MiB of memory, and the kernel killed a process'),
      processes: hit('the node reached its limit of 200 processes'),
    },
  });
  expect(changes(before, await stateOf(host))).toEqual([]);
});

test('the same commands outside a node change all of that', async () => {
  await host.machine.writeFiles([{ nodePath: '/run/harm', content: script(HARMFUL) }]);
  const timeoutMs = 300_000;
  await host.machine.exec(['sh', '/run/harm'], { env: { CNI_COMMAND: 'ADD' }, timeoutMs });
  expect(changes(before, await stateOf(host))).toEqual(Object.keys(STATE).filter((what) => what !== 'boot'));
});
