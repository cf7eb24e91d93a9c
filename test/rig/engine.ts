import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { cgroupsWith, processesWith } from './launched.ts';
import { unpackedTree, type Packages } from './engine-packages.ts';

export type EngineName = keyof typeof ENGINES;

/** A real container engine from Debian, for one test file. */
export interface TestEngine extends AsyncDisposable {
  /** its address, in the form of DOCKER_HOST */
  readonly url: string;
  /** the folder in which it writes everything */
  readonly folder: string;
  readonly log: () => string;
  /** a command that runs another one where the engine's published ports are: no link leads there from the host */
  readonly where: readonly string[];
  /** Ends only the engine. A second engine cannot be started in its place. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

interface EngineKind {
  readonly packages: Packages;
  /** another engine of the same packages, whose files have been unpacked */
  readonly filesOf?: string;
  readonly argv: (folder: string, cgroup: string, network: boolean) => readonly string[];
}

const dockerd = (folder: string, cgroup: string, network: boolean): readonly string[] => [
  ...['dockerd', '--host', `unix://${folder}/engine.sock`, '--group', 'root', '--pidfile', `${folder}/pid`],
  ...['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '--cgroup-parent', `/${cgroup}`],
  ...['--iptables=false', '--ip6tables=false', '--ip-forward=false', ...(network ? [] : ['--bridge=none'])],
];

const PODMAN: Packages = {
  bookworm: [
    ...['podman', 'conmon', 'runc', 'libgpgme11', 'libsubid4'],
    ...['golang-github-containers-common', 'golang-github-containers-image'],
    ...['netavark', 'aardvark-dns', 'iptables'],
    ...['libip4tc2', 'libip6tc2', 'libxtables12', 'libnftnl11', 'libmnl0'],
  ],
};

const ENGINES = {
  /** the newest that runs here, beside bookworm's containerd and runc: trixie's need a newer C library */
  'docker-26.1': {
    packages: { trixie: ['docker.io'], bookworm: ['containerd', 'runc', 'tini'] },
    argv: dockerd,
  },
  /** its --privileged asks for every existing capability */
  'docker-20.10': {
    packages: { bookworm: ['docker.io', 'containerd', 'runc', 'tini'] },
    argv: dockerd,
  },
  'podman-4.3': {
    packages: PODMAN,
    argv: (folder, cgroup) => [
      ...WITH_IPTABLES,
      ...['env', ...podmanSettings(folder, cgroup), 'podman', ...podmanArgs(folder)],
    ],
  },
  /** it belongs to the user nobody; it runs no container here, but it answers */
  'podman-4.3-rootless': {
    packages: PODMAN,
    filesOf: 'podman-4.3',
    argv: (folder, cgroup) => [
      // not `exec`: a process that changes its user is no longer killed with its parent, so the first process keeps
      // its user
      ...['sh', '-c', 'chown -R 65534:65534 "$0" && "$@"; exit $?', folder],
      ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      ...['env', '--chdir', folder, `HOME=${folder}`, `XDG_RUNTIME_DIR=${folder}`],
      ...[...podmanSettings(folder, cgroup, 'vfs'), 'podman', ...podmanArgs(folder)],
    ],
  },
} as const satisfies Readonly<Record<string, EngineKind>>;

/** The links that Debian makes when iptables is installed, for Podman's networks, and a folder that kind mounts. */
const WITH_IPTABLES = [
  ...[
    'sh',
    '-c',
    'cd /usr/sbin; ln -s iptables-nft iptables; ln -s ip6tables-nft ip6tables; mkdir -p /lib/modules; exec "$@"',
  ],
  'sh',
];

const podmanArgs = (folder: string): readonly string[] => [
  ...['--tmpdir', `${folder}/tmp`, 'system', 'service', '--time', '0', `unix://${folder}/engine.sock`],
];

/**
 * Without systemd, and without limits that this machine cannot set. By default Podman keeps a process for five
 * minutes after a command in a container has ended, even when the container is gone. Its command line has the
 * container's name.
 */
function podmanSettings(folder: string, cgroup: string, driver = 'overlay'): readonly string[] {
  const conf = join(folder, 'containers.conf');
  const lines = [
    ...['[containers]', 'default_ulimits = []', `cgroup_parent = "/${cgroup}"`],
    ...['[engine]', 'cgroup_manager = "cgroupfs"', 'events_logger = "file"', 'runtime = "runc"'],
    'exit_command_delay = 1',
    ...['[network]', 'network_backend = "netavark"'],
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  const storage = join(folder, 'storage.conf');
  writeFileSync(
    storage,
    `[storage]\ndriver = "${driver}"\ngraphroot = "${folder}/data"\nrunroot = "${folder}/run"\n`,
  );
  return [`CONTAINERS_CONF=${conf}`, `CONTAINERS_STORAGE_CONF=${storage}`];
}

/**
 * Starts an engine and waits until it answers. `diskMiB` gives it a disk of this size for all its files, `network` a
 * bridge for its containers.
 */
export async function startEngine(
  name: EngineName,
  { diskMiB = 0, network = false }: { diskMiB?: number; network?: boolean } = {},
): Promise<TestEngine> {
  const { packages, argv, filesOf = name }: EngineKind = ENGINES[name];
  const tree = await unpackedTree(filesOf, packages);
  const folder = mkdtempSync(join(tmpdir(), 'cnilab-engine-'));
  const cgroup = basename(folder);
  const script = fileURLToPath(new URL('engine.sh', import.meta.url));
  const keeper = spawn(
    'sh',
    [script, folder, cgroup, tree, String(diskMiB), ...argv(folder, cgroup, network)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    },
  );
  const over = once(keeper, 'exit');
  const printed: unknown[] = await once(keeper.stdout, 'data');
  const outerPid = String(printed[0]).trim();
  const log = () => readFileSync(join(folder, 'log'), 'utf8');
  const dispose = async () => {
    keeper.stdin.end();
    await over;
  };
  const socket = join(folder, 'engine.sock');
  for (let waitedMs = 0; !(await answers(socket)); waitedMs += 50) {
    if (waitedMs < 20_000 && existsSync(`/proc/${outerPid}/exe`)) {
      await sleep(50);
      continue;
    }
    const lastLines = log().slice(-2000);
    await dispose();
    throw new Error(`${name} did not start:\n${lastLines}`);
  }
  return {
    url: `unix://${socket}`,
    folder,
    log,
    where: ['nsenter', `--net=/proc/${outerPid}/ns/net`, '--'],
    async stop(signal) {
      const pid = Number(readFileSync(`/proc/${outerPid}/task/${outerPid}/children`, 'utf8').trim());
      process.kill(pid, signal);
      while (await answers(socket)) await sleep(20);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** The folder of a `podman` command, in the folder of its engine. */
export async function podmanClient({ folder }: TestEngine): Promise<string> {
  const usr = join(await unpackedTree('podman-4.3', PODMAN), 'usr');
  const libraries = join(usr, 'lib', `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`);
  const script = `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${usr}/bin/podman "$@"\n`;
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'podman'), script, { mode: 0o755 });
  return bin;
}

/** The folder of a `docker` command. That of bookworm works with newer engines too. */
export const dockerClient = async (): Promise<string> =>
  join(await unpackedTree('docker-20.10', ENGINES['docker-20.10'].packages), 'usr/bin');

const answers = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });

/** What is left on this host of an engine or of what it ran. */
export function remainsOf({ folder }: TestEngine): readonly string[] {
  const cgroup = basename(folder);
  return [
    ...processesWith(folder),
    ...readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(folder)),
    ...cgroupsWith(cgroup).filter((path) => basename(path) === cgroup),
    ...(existsSync(folder) ? [folder] : []),
    ...['/opt/containerd', '/run/docker', '/var/lib/docker', '/run/libpod'].filter((path) =>
      existsSync(path),
    ),
  ];
}
