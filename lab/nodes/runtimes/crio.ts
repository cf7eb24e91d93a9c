import { parseLogrus } from '../../core/logrus.ts';
import type { Runtime } from '../../core/runtime.ts';
import {
  CONFIG,
  CONFIG_FOLDER,
  configFiles,
  REGISTRIES,
  SOCKET,
  STORAGE,
  unreadConfig,
} from './crio/config.ts';
import { startInLog } from './start-in-log.ts';

export const crio: Runtime = {
  name: 'crio',
  argv: ['/usr/local/bin/crio'],
  logNodePath: '/lab/crio.log',
  configNodePath: `${CONFIG_FOLDER}/`,
  files: (_version, config) => configFiles(config),
  // CRI-O has no import. It pulls from a registry that the agent serves on the loopback interface of the node during
  // this command.
  importImage: (archive) => ['/lab/bin/agent', 'pull-image', '--socket', SOCKET, archive],
  announceImages: (archives) => ['/lab/bin/agent', 'announce-images', REGISTRIES, ...archives],
  imageStore: {
    folder: STORAGE,
    ofOneNode: './storage.lock',
    list: ['crictl', 'images'],
    unknownToCri: () => [],
  },
  configDump: ['crio', 'config'],
  unreadConfig,
  configNote: () => undefined,
  parseLog: parseLogrus,
  ...startInLog({
    begins: /msg="Starting CRI-O, version: /,
    givesUp: /level=fatal|^panic: |^fatal error: |^crio: /,
  }),
  traits: {
    socket: SOCKET,
    daemons: ['crio'],
    monitors: [{ prefix: 'conmon', idFlag: '-c' }],
    namespaces: ['info', 'runtimeSpec', 'linux', 'namespaces'],
    // its own state, that of its storage and of runc, and its socket for NRI plugins
    stateFolders: ['/run/crio', '/run/containers', '/run/runc', '/run/nri'],
    cgroup: '/crio',
    cniFolder: { files: [CONFIG, `${CONFIG_FOLDER}/crio.conf.d/*`], key: 'network_dir' },
  },
};
