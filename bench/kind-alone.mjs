// `kind create cluster` as a user of kind runs it, without the lab: from an image that already has everything.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { timed } from './measure.mjs';
import { observed } from './recorded.mjs';

const EVERY_MS = 100;
const READY_WITHIN_MS = 300_000;
const READY = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}';

/**
 * Makes an image of the same node image and the same versions as a recorded run on the backend kind. kind starts the
 * cluster with the configuration of that run.
 */
export async function kindAlone(run, { cwd, cacheHostPath }) {
  const { config, image, nodes } = configOf(run);
  const folder = join(cwd, 'kind-alone');
  const name = `cnilab-bench-${process.pid}`;
  const artifact = (wanted) => {
    const found = observed(run, 'artifact').find((one) => one.name === wanted);
    if (found === undefined) throw new Error(`the run has used no ${wanted}`);
    return join(cacheHostPath, 'artifacts', found.key);
  };
  const docker = (...args) => timed(['docker', ...args], { cwd });

  mkdirSync(folder);
  const configPath = join(folder, 'config.yaml');
  writeFileSync(configPath, config(name));
  fillTree(join(folder, 'tree'), { run, artifact });
  await docker('create', '--privileged', '--name', name, '--entrypoint', '/kind/preload', image);
  try {
    await docker('cp', `${join(folder, 'tree')}/.`, `${name}:/`);
    await docker('start', '--attach', name);
    await docker('commit', '--change', 'ENTRYPOINT ["/kind/entrypoint"]', name, `${name}:1`);
  } finally {
    await docker('rm', '--force', '--volumes', name);
  }

  const { KUBECONFIG: _, ...env } = process.env;
  const kind = (...args) =>
    timed([join(artifact('kind'), 'bin/kind'), ...args, '--name', name], {
      cwd,
      env: {
        ...env,
        KUBECONFIG: join(folder, 'kubeconfig'),
        KIND_EXPERIMENTAL_PROVIDER: 'docker',
        KIND_EXPERIMENTAL_DOCKER_NETWORK: name,
      },
    });
  const kubectl = ['kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf'];
  const isReady = async () => {
    const { stdout } = await docker(
      ...['exec', `${name}-control-plane`, ...kubectl, 'get', 'nodes', '--output', `jsonpath=${READY}`],
    );
    return stdout.trim() === Array(nodes).fill('True').join(' ');
  };
  const removeCluster = () => kind('delete', 'cluster');
  return {
    async create() {
      const startedMs = performance.now();
      try {
        const { wallMs } = await kind('create', 'cluster', '--config', configPath);
        while (!(await isReady())) {
          if (performance.now() - startedMs > READY_WITHIN_MS) throw new Error('nodes of kind are not Ready');
          await sleep(EVERY_MS);
        }
        return { wallMs, readyMs: performance.now() - startedMs };
      } finally {
        await removeCluster();
      }
    },
    async remove() {
      await docker('network', 'rm', name);
      await docker('image', 'rm', `${name}:1`);
    },
  };
}

/** That of the run, without the folder of artifacts, which are in the image. */
function configOf(run) {
  const text = readFileSync(join(run.hostPath, 'kind/config.yaml'), 'utf8');
  const { nodes, ...all } = JSON.parse(text);
  const own = (image) => nodes.map(({ extraMounts: _, ...node }) => ({ ...node, image }));
  return {
    image: nodes[0].image,
    nodes: nodes.length,
    config: (name) => JSON.stringify({ ...all, nodes: own(`${name}:1`) }),
  };
}

/** Everything that is put into the image. */
function fillTree(tree, { run, artifact }) {
  const file = (path, content, mode = 0o644) => {
    mkdirSync(join(tree, path, '..'), { recursive: true });
    writeFileSync(join(tree, path), content, { mode });
  };
  const copy = (from, to) => cpSync(from, join(tree, to), { recursive: true });
  const version = (wanted) => observed(run, 'artifact').find(({ name }) => name === wanted).version;
  for (const name of ['containerd', 'runc', 'crictl', 'kubernetes', 'etcd'])
    copy(join(artifact(name), 'bin'), 'usr/local/bin');
  copy(join(artifact('cni-plugins'), 'bin'), 'opt/cni/bin');
  for (const name of ['pause-image', 'app-image']) copy(artifact(name), `kind/images/${name}`);
  const config = join(run.hostPath, 'config/control-plane');
  copy(join(config, 'config.toml'), 'etc/containerd/config.toml');
  copy(join(config, 'net.d'), 'etc/cni/net.d');
  file('kind/version', `v${version('kubernetes')}`);
  for (const program of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
    file(`kind/patches/${program}.json`, patchOf(program));
  file('etc/systemd/system/etcd.service', ETCD_UNIT);
  file('etc/systemd/system/kubelet.service.d/kind.conf', KUBELET_DROP_IN);
  file('kind/preload', PRELOAD, 0o755);
  file('kind/entrypoint', ENTRYPOINT, 0o755);
}

/** As in lab/nodes/cluster/kind-files.ts: the programs of static pods are those of the node. */
const patchOf = (program) =>
  JSON.stringify({
    spec: {
      containers: [
        {
          name: program,
          image: 'cnilab.local/app:1',
          volumeMounts: [{ name: 'program', mountPath: `/bin/${program}`, readOnly: true }],
        },
      ],
      volumes: [{ name: 'program', hostPath: { path: `/usr/local/bin/${program}`, type: 'File' } }],
    },
  });

const ETCD_UNIT = `[Unit]
ConditionHost=*-control-plane
[Service]
ExecStart=/usr/local/bin/etcd --data-dir /var/lib/etcd --unsafe-no-fsync
`;

/** As in images of kind: it does not run before kubeadm has written its configuration. */
const KUBELET_DROP_IN = `[Unit]
ConditionPathExists=/var/lib/kubelet/config.yaml
StartLimitIntervalSec=0
`;

/** Runs once, in the container that becomes the image. What is enabled is what images of kind enable. */
const PRELOAD = `#!/bin/sh
set -e
cd /lib/systemd/system
rm -f /etc/systemd/system/*.wants/* multi-user.target.wants/* local-fs.target.wants/* basic.target.wants/*
rm -f sysinit.target.wants/* sockets.target.wants/*udev* sockets.target.wants/*initctl* timers.target.wants/*
mkdir -p /etc/systemd/system/multi-user.target.wants
for unit in containerd kubelet etcd; do
  ln -s "../$unit.service" /etc/systemd/system/multi-user.target.wants/
done
containerd &
daemon=$!
for archive in /kind/images/*/*.tar; do ctr --namespace k8s.io images import "$archive"; done
kill "$daemon"
wait "$daemon" || true
`;

/**
 * What an image of kind does before systemd starts. kubelet sets sysctls of the whole machine: here it sets copies of
 * them.
 */
const ENTRYPOINT = `#!/bin/sh
set -e
mount --make-rshared /
mount -o remount,ro /sys
mkdir -p /run/kind-sysctl
set_copy() {
  echo "$2" > "/run/kind-sysctl/$(basename "$1")"
  mount --bind "/run/kind-sysctl/$(basename "$1")" "/proc/sys/$1"
}
set_copy vm/overcommit_memory 1
set_copy vm/panic_on_oom 0
set_copy kernel/panic 10
set_copy kernel/panic_on_oops 1
set_copy kernel/keys/root_maxkeys 1000000
set_copy kernel/keys/root_maxbytes 25000000
rm -f /etc/machine-id /var/lib/dbus/machine-id /dev/kmsg
ln -s /dev/null /dev/kmsg
systemd-machine-id-setup
export container=docker
exec /sbin/init --unit=multi-user.target
`;
