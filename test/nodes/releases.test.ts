import { describe, expect, test } from 'vitest';

import {
  controllerManagerArgv,
  kubeadmFile,
  kubeletArgv,
  nodeFiles,
} from '../../lab/nodes/cluster/kubernetes-files.ts';
import { releaseOf } from '../../lab/nodes/cluster/releases.ts';
import type { NodeFile } from '../../lab/nodes/node.ts';

const member = (version: string) => ({
  ...{ name: 'worker-1', number: 2, address: '10.89.0.2', socket: '/run/containerd/containerd.sock' },
  release: releaseOf(version),
});

const textOf = (file: NodeFile | undefined): string =>
  file !== undefined && 'content' in file ? String(file.content) : '';

describe('what the lab does for a release of Kubernetes', () => {
  test.each([
    ['1.23.17', ['--container-runtime=remote'], ['--pod-infra-container-image=']],
    ['1.24.17', [], ['--pod-infra-container-image=']],
    ['1.34.4', [], ['--pod-infra-container-image=']],
    ['1.35.0-rc.1', [], []],
    ['1.37.2', [], []],
  ])('%s: the kubelet has the flags that it accepts', (version, remote, image) => {
    const argv = kubeletArgv(member(version));
    expect(argv.filter((flag) => flag.startsWith('--container-runtime='))).toEqual(remote);
    const ofImage = argv.filter((flag) => flag.startsWith('--pod-infra'));
    expect(ofImage.map((flag) => flag.replace(/=.*/, '='))).toEqual(image);
  });

  test.each([
    ['1.30.4', 'v1beta3'],
    ['1.31.0', 'v1beta4'],
    ['1.37.2', 'v1beta4'],
  ])('%s: kubeadm reads %s', (version, api) => {
    expect(textOf(kubeadmFile(version, member(version))).match(/kubeadm\.k8s\.io\/\w+/g)).toEqual([
      `kubeadm.k8s.io/${api}`,
      `kubeadm.k8s.io/${api}`,
    ]);
  });

  test.each([
    ['1.34.4', false],
    ['1.35.4', true],
  ])('%s: whether the kubelet is told to start on cgroup v1: %s', (version, told) => {
    const config = nodeFiles(member(version)).map(textOf).join('');
    expect(config.includes('"failCgroupV1": false')).toBe(told);
  });

  test.each([
    ['1.24.17', false],
    ['1.29.6', true],
  ])('%s: whether pods of lost nodes have a controller of their own: %s', (version, own) => {
    expect(controllerManagerArgv(member(version)).join(' ').includes('taint-eviction-controller')).toBe(own);
  });
});
