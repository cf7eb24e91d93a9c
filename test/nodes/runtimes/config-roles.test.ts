import { expect, test } from 'vitest';

import { inTablesOf } from '../../../lab/nodes/runtimes/containerd/config.ts';

const BY_ROLE = {
  debug: { level: 'debug' },
  cri: {
    sandbox_image: 'pause:1',
    max_concurrent_downloads: 4,
    stream_server_port: '1234',
    cni: { bin_dir: '/opt/cni', ip_pref: 'cni' },
    containerd: { discard_unpacked_layers: true, default_runtime_name: 'runc' },
  },
};

test('on containerd 1.x all settings of CRI are in one table', () => {
  expect(inTablesOf('1.6.4', BY_ROLE)).toEqual({
    debug: { level: 'debug' },
    plugins: { 'io.containerd.grpc.v1.cri': BY_ROLE.cri },
  });
});

test('on 2.x each key is in its current table, under its new name', () => {
  expect(inTablesOf('2.4.2', BY_ROLE)).toEqual({
    debug: { level: 'debug' },
    plugins: {
      'io.containerd.grpc.v1.cri': { stream_server_port: '1234' },
      'io.containerd.cri.v1.images': {
        max_concurrent_downloads: 4,
        discard_unpacked_layers: true,
        pinned_images: { sandbox: 'pause:1' },
      },
      'io.containerd.cri.v1.runtime': {
        containerd: { default_runtime_name: 'runc' },
        cni: { bin_dirs: ['/opt/cni'], ip_pref: 'cni' },
      },
    },
  });
});

test('the plugin folder is not a list yet in 2.0, and tables without keys are not written', () => {
  expect(
    inTablesOf('2.0.0', { cri: { cni: { bin_dir: '/a' }, containerd: { snapshotter: 'native' } } }),
  ).toEqual({
    plugins: {
      'io.containerd.cri.v1.images': { snapshotter: 'native' },
      'io.containerd.cri.v1.runtime': { cni: { bin_dir: '/a' } },
    },
  });
});

test('a setting in a table by name takes precedence over the role', () => {
  const config = {
    cri: { enable_selinux: true, cni: { ip_pref: 'cni', max_conf_num: 2 } },
    plugins: { 'io.containerd.cri.v1.runtime': { cni: { ip_pref: 'ipv6' } } },
  };
  expect(inTablesOf('2.2.2', config)).toEqual({
    plugins: {
      'io.containerd.cri.v1.runtime': { enable_selinux: true, cni: { ip_pref: 'ipv6', max_conf_num: 2 } },
    },
  });
});

test('a configuration without roles is unchanged', () => {
  const config = { version: 2, plugins: { 'io.containerd.grpc.v1.cri': { cni: { ip_pref: 'cni' } } } };
  expect(inTablesOf('2.2.2', config)).toBe(config);
});
