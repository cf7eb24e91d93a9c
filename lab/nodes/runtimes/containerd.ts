import { parseLogrus } from '../../core/logrus.ts';
import type { Runtime } from '../../core/runtime.ts';
import { configText } from './containerd/config.ts';
import { configNote, unreadConfig } from './containerd/config-read.ts';
import { startInLog } from './start-in-log.ts';

const CONFIG_FOLDER = '/etc/containerd/';
const CONFIG = `${CONFIG_FOLDER}config.toml`;

export const containerd: Runtime = {
  name: 'containerd',
  argv: ['/usr/local/bin/containerd'],
  logNodePath: '/lab/containerd.log',
  configNodePath: CONFIG_FOLDER,
  files: (version, config) => [{ nodePath: CONFIG, content: configText(version, config) }],
  // ctr 1.x waits for the socket, so it can be run before the daemon answers; ctr 2.x fails
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
  configNote,
  parseLog: parseLogrus,
  ...startInLog({
    begins: /msg="starting containerd"|"msg":"starting containerd"/,
    givesUp: /^containerd: |level=fatal|"level":"fatal"|^panic: |^fatal error: /,
    withoutCri: (line) => /failed to load plugin|skip loading plugin/.test(line) && /\bcri\b/.test(line),
  }),
  traits: {
    socket: '/run/containerd/containerd.sock',
    daemons: ['containerd'],
    monitors: [{ prefix: 'containerd-shim', idFlag: '-id' }],
    namespaces: ['info', 'runtimeSpec', 'linux', 'namespaces'],
    // its own state, that of runc and of the shims, and its socket for NRI plugins
    stateFolders: ['/run/containerd', '/run/nri'],
    cgroup: '/k8s.io',
    cniFolder: { files: [CONFIG], key: 'conf_dir' },
  },
};
