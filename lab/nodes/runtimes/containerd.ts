import { parseLogrus } from '../../core/logrus.ts';
import type { Runtime } from '../../core/runtime.ts';
import { configText } from './containerd/config.ts';
import { unreadConfig } from './containerd/config-read.ts';
import { reasonsNotStarted, whyNotStarted } from './containerd/why-not-started.ts';

const CONFIG_FOLDER = '/etc/containerd/';
const CONFIG = `${CONFIG_FOLDER}config.toml`;

export const containerd: Runtime = {
  name: 'containerd',
  argv: ['/usr/local/bin/containerd'],
  logNodePath: '/lab/containerd.log',
  configNodePath: CONFIG_FOLDER,
  files: (version, config) => [{ nodePath: CONFIG, content: configText(version, config) }],
  // ctr of 1.x waits for the socket, so it may be run before the daemon answers; that of 2.x gives up
  importImage: (archive) => ['ctr', '--namespace', 'k8s.io', 'images', 'import', archive],
  imageStore: {
    folder: '/var/lib/containerd',
    ofOneNode: './io.containerd.grpc.v1.introspection',
    list: ['ctr', '--namespace', 'k8s.io', 'images', 'list'],
    unknownToCri: (listed) =>
      listed
        .split('\n')
        .filter(
          (line) => /\bcnilab\.local\//.test(line) && !line.includes('io.cri-containerd.image=managed'),
        ),
  },
  configDump: ['containerd', 'config', 'dump'],
  unreadConfig,
  parseLog: parseLogrus,
  reasonsNotStarted,
  whyNotStarted,
  traits: {
    socket: '/run/containerd/containerd.sock',
    daemons: ['containerd'],
    monitors: [{ prefix: 'containerd-shim', idFlag: '-id' }],
    namespaces: ['info', 'runtimeSpec', 'linux', 'namespaces'],
    // its own, runc's and the shims'; and its socket for plugins of its own
    stateFolders: ['/run/containerd', '/run/nri'],
    cgroup: '/k8s.io',
    cniFolder: { files: [CONFIG], key: 'conf_dir' },
  },
};
