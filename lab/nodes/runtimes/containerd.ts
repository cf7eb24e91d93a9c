import { parseLogrus } from '../../core/logrus.ts';
import type { Runtime } from '../../core/runtime.ts';
import { configText } from './containerd/config.ts';
import { configNote, unreadConfig } from './containerd/config-read.ts';

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
  configNote,
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

const FIRST_LINE = /msg="starting containerd"|"msg":"starting containerd"/g;
const GIVES_UP = /^containerd: |level=fatal|"level":"fatal"|^panic: |^fatal error: /;
const NOT_LOADED = /failed to load plugin|skip loading plugin/;
const LAST_LINES = 3;

/** Of containerd's log, the lines of its last start in which it says why it gave up, or why CRI is not loaded. */
export function reasonsNotStarted(log: string): readonly string[] {
  const lines = lastStart(log);
  const last = lines.filter((line) => GIVES_UP.test(line));
  return last.length > 0 ? last : lines.filter((line) => NOT_LOADED.test(line) && /\bcri\b/.test(line));
}

/** The same or, where it does not say why, the last lines. */
export function whyNotStarted(log: string): readonly string[] {
  const reasons = reasonsNotStarted(log);
  return reasons.length > 0 ? reasons : lastStart(log).slice(-LAST_LINES);
}

function lastStart(log: string): readonly string[] {
  const began = [...log.matchAll(FIRST_LINE)].at(-1)?.index ?? -1;
  return log
    .slice(began < 0 ? 0 : log.lastIndexOf('\n', began) + 1)
    .split('\n')
    .filter((line) => line !== '');
}
