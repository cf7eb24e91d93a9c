import { parse } from 'smol-toml';
import { expect, test } from 'vitest';

import { crio } from '../../../lab/nodes/runtimes/crio.ts';

const configOf = (config: Parameters<typeof crio.files>[1]): unknown => {
  const file = crio.files('1.34.0', config).find(({ nodePath }) => nodePath === '/etc/crio/crio.conf');
  return parse(file?.content ?? '');
};

test('a configuration is merged into the lab’s, table by table', () => {
  expect(configOf({ crio: { runtime: { log_level: 'debug' } } })).toEqual({
    crio: {
      storage_driver: 'overlay',
      runtime: {
        cgroup_manager: 'cgroupfs',
        apparmor_profile: 'unconfined',
        hooks_dir: ['/etc/containers/oci/hooks.d'],
        default_runtime: 'runc',
        log_level: 'debug',
        runtimes: {
          runc: { runtime_path: '/lab/runc', runtime_root: '/run/runc', monitor_cgroup: 'pod' },
        },
      },
      image: { pause_image: 'cnilab.local/pause:1' },
      network: { plugin_dirs: ['/opt/cni/bin'] },
    },
  });
});

/** Output of `crio config`: 1.24 prints every key, 1.34 comments out keys with their default. */
const DUMP_1_24 = `# storage
[crio]
storage_driver = "overlay"
[crio.runtime]
default_ulimits = [
]
log_level = "info"
[crio.network]
# network_dir is where
network_dir = "/etc/cni/net.d/"
`;
const DUMP_1_34 = `[crio]
# Storage driver used
storage_driver = "overlay"
[crio.runtime]
# default_ulimits = [
# ]
# log_level = "info"
[crio.network]
# network_dir = "/etc/cni/net.d/"
`;

test.each([
  ['1.24.0', DUMP_1_24],
  ['1.34.0', DUMP_1_34],
])('what CRI-O %s skips of a configuration is what it does not print', (version, stdout) => {
  const dump = { argv: [], exitCode: 0, signal: null, stdout, stderr: '', durationMs: 1, timedOut: false };
  const unread = (config: Parameters<typeof crio.unreadConfig>[0]) =>
    crio.unreadConfig(config, { version, dump, log: undefined });
  const read = { crio: { storage_driver: 'vfs', network: { network_dir: '/x' } } };
  expect(unread(read)).toBeUndefined();
  expect(unread({ crio: { runtime: { log_level: 'debug', runtimes: { kata: { x: 1 } } } } })).toBeUndefined();
  expect(unread({ crio: { runtime: { log_levle: 'debug' }, network: { network_dri: '/x' } } })).toEqual({
    message: `CRI-O ${version} does not read crio.runtime.log_levle and 1 more of runtime-config`,
    detail: ['crio.network.network_dri'],
  });
  expect(unread({ plugins: { cri: { sandbox_image: 'x' } } })?.detail).toEqual([]);
});

test('if the dump failed, the result is not known', () => {
  const dump = {
    argv: [],
    exitCode: 1,
    signal: null,
    stdout: '',
    stderr: 'no\n',
    durationMs: 1,
    timedOut: false,
  };
  expect(crio.unreadConfig({}, { version: '1.34.0', dump, log: undefined })?.message).toBe(
    'it is not known what CRI-O 1.34.0 reads of its configuration: no',
  );
});

test('the reason for its end is from the last start', () => {
  const began =
    'time="2026-11-28T14:29:29.8Z" level=info msg="Starting CRI-O, version: 1.34.0, git: unknown(clean)"';
  const ended =
    'time="2026-11-28T14:29:30.8Z" level=fatal msg="validating runtime config: conmon: no such file"';
  expect(crio.reasonsNotStarted([began, ended, ''].join('\n'))).toEqual([ended]);
  expect(crio.reasonsNotStarted([began, ended, began, ''].join('\n'))).toEqual([]);
  expect(crio.whyNotStarted([began, ended, began, ''].join('\n'))).toEqual([began]);
});
