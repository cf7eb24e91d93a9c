import { describe, expect, test } from 'vitest';

import { containerKeys } from '../../lab/steps/containers.ts';
import { namespaceOptionsOf, podConfig } from '../../lab/steps/pods.ts';

const plain = { name: 'web', hostPorts: [], annotations: {}, labels: {}, hostNetwork: false };

describe('the config of a sandbox', () => {
  test('of a plain pod has the fields that kubelet always sets', () => {
    expect(podConfig(plain, 1)).toEqual({
      metadata: { name: 'web', namespace: 'default', uid: 'web-uid', attempt: 1 },
      hostname: 'web',
      log_directory: '/var/log/pods/default_web_web-uid',
      labels: {},
      annotations: {},
      port_mappings: [],
      linux: {},
    });
  });

  test('has every key of the pod at its place in CRI', () => {
    expect(
      podConfig(
        {
          ...plain,
          hostPorts: [
            { hostPort: 53, containerPort: 5353, protocol: 'udp', hostIp: '::1' },
            { hostPort: 54, containerPort: 54, protocol: 'sctp' },
          ],
          namespace: 'kube-system',
          uid: 'abc',
          hostname: 'web-0',
          dns: { servers: ['10.96.0.10'], options: ['ndots:5'] },
          sysctls: { 'net.core.somaxconn': '1024' },
          namespaces: { pid: 'container', ipc: 'node', user: 'pod' },
        },
        0,
      ),
    ).toEqual({
      metadata: { name: 'web', namespace: 'kube-system', uid: 'abc', attempt: 0 },
      hostname: 'web-0',
      log_directory: '/var/log/pods/kube-system_web_abc',
      dns_config: { servers: ['10.96.0.10'], options: ['ndots:5'] },
      labels: {},
      annotations: {},
      port_mappings: [
        { protocol: 1, container_port: 5353, host_port: 53, host_ip: '::1' },
        { protocol: 2, container_port: 54, host_port: 54 },
      ],
      linux: {
        security_context: {
          namespace_options: {
            pid: 1,
            ipc: 2,
            userns_options: {
              mode: 0,
              uids: [{ host_id: 65536, container_id: 0, length: 65536 }],
              gids: [{ host_id: 65536, container_id: 0, length: 65536 }],
            },
          },
        },
        sysctls: { 'net.core.somaxconn': '1024' },
      },
    });
  });

  test('of a host-network pod has no hostname, unless the file sets one', () => {
    expect(podConfig({ ...plain, hostNetwork: true }, 0)).not.toHaveProperty('hostname');
    expect(podConfig({ ...plain, hostNetwork: true, hostname: 'x' }, 0)).toHaveProperty('hostname', 'x');
  });

  test('leaves the namespaces to CRI if the file does not mention them', () => {
    expect(namespaceOptionsOf(plain)).toBe(undefined);
    expect(namespaceOptionsOf({ ...plain, namespaces: { user: 'node' } })).toEqual({
      userns_options: { mode: 2 },
    });
  });
});

describe('the config of a container', () => {
  const keysOf = (keys: Parameters<typeof containerKeys>[0], namespaceOptions?: object) =>
    containerKeys(keys, { fill: (text) => text.replace('${web.ip}', '10.88.0.2'), namespaceOptions });

  test('has no field that the file does not set', () => {
    expect(keysOf({})).toEqual({ linux: {} });
  });

  test('has every key of the container at its place in CRI, and the namespaces of its pod', () => {
    expect(
      keysOf(
        {
          env: { PEER: '${web.ip}' },
          mounts: [{ nodePath: '/etc/cni', containerPath: '/conf', readOnly: true }],
          user: '1000',
          capabilities: { add: ['NET_ADMIN'], drop: ['CHOWN'] },
        },
        { pid: 2 },
      ),
    ).toEqual({
      envs: [{ key: 'PEER', value: '10.88.0.2' }],
      mounts: [{ host_path: '/etc/cni', container_path: '/conf', readonly: true }],
      linux: {
        security_context: {
          namespace_options: { pid: 2 },
          run_as_user: { value: 1000 },
          capabilities: { add_capabilities: ['NET_ADMIN'], drop_capabilities: ['CHOWN'] },
        },
      },
    });
    expect(keysOf({ user: 'nobody' })).toEqual({
      linux: { security_context: { run_as_username: 'nobody' } },
    });
  });
});
