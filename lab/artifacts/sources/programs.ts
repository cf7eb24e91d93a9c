import { statSync } from 'node:fs';
import { join } from 'node:path';

import type { Exec } from '../../core/ports.ts';
import type { ComponentName } from '../../core/components.ts';

export interface ProgramsToTry {
  readonly component: ComponentName;
  readonly binHostPath: string;
  readonly exec: Exec;
  readonly signal: AbortSignal;
}

/**
 * Why a component that was built elsewhere does not work here: a program is missing or does not start. For example,
 * runc of Debian sid needs a newer C library than the one of bookworm. CNI plugins are only checked for existence,
 * because they need no libraries.
 */
export async function whyItDoesNotRun({
  component,
  binHostPath,
  exec,
  signal,
}: ProgramsToTry): Promise<string | undefined> {
  for (const program of NEEDED_PROGRAMS[component]) {
    const hostPath = join(binHostPath, program);
    if (statSync(hostPath, { throwIfNoEntry: false })?.isFile() !== true) return `has no ${program}`;
    if (component === 'cni-plugins') continue;
    const argv = [hostPath, program.startsWith('containerd-shim') ? '-v' : '--version'];
    const tried = await exec(argv, { signal, timeoutMs: 10_000 });
    if (tried.exitCode !== 0) return `does not run on this host: ${program}: ${firstLine(tried.stderr)}`;
  }
  return undefined;
}

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

const KUBERNETES =
  'kubelet kubeadm kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy'.split(' ');
const PLUGINS =
  'bandwidth bridge dhcp dummy firewall flannel host-device host-local ipvlan loopback macvlan portmap ptp sbr static tap tuning vlan vrf';

/** The programs that an artifact of each component can contain. Other files in an archive are ignored. */
export const COMPONENT_PROGRAMS: { readonly [C in ComponentName]: readonly string[] } = {
  containerd: ['containerd', 'containerd-shim-runc-v1', 'containerd-shim-runc-v2', 'ctr'],
  crio: ['crio', 'pinns', 'conmon'],
  runc: ['runc'],
  'cni-plugins': PLUGINS.split(' '),
  crictl: ['crictl'],
  kubernetes: KUBERNETES,
  etcd: ['etcd', 'etcdctl'],
  kind: ['kind'],
};

/** The programs without which an artifact is not usable. */
export const NEEDED_PROGRAMS: { readonly [C in ComponentName]: readonly string[] } = {
  containerd: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  crio: ['crio', 'pinns', 'conmon'],
  runc: ['runc'],
  'cni-plugins': ['bridge', 'loopback', 'host-local', 'portmap'],
  crictl: ['crictl'],
  kubernetes: KUBERNETES,
  etcd: ['etcd'],
  kind: ['kind'],
};

/** The directory of the programs in the archive of a release, if they are neither at its top level nor in bin/. */
export const ARCHIVE_FOLDERS: { readonly [C in ComponentName]?: RegExp } = {
  crio: /^cri-o\/bin$/,
  kubernetes: /^kubernetes\/server\/bin$/,
  etcd: /^etcd-v[^/]+$/,
};

export interface VersionQuestion {
  readonly program: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How to get the version of a component. A CNI plugin that is run without CNI_COMMAND prints it to stderr. */
export function versionQuestion(component: ComponentName, programs: readonly string[]): VersionQuestion {
  if (component === 'cni-plugins') {
    const program = programs.includes('loopback') ? 'loopback' : (programs[0] ?? 'loopback');
    return { program, argv: [], env: { CNI_COMMAND: '' } };
  }
  return { program: component === 'kubernetes' ? 'kubelet' : component, argv: ['--version'], env: {} };
}

/**
 * The version in the output of a program: `containerd github.com/containerd/containerd v1.6.3 3df54a…`, `runc version
 * 1.1.15`, `crictl version v1.25.0`, `Kubernetes v1.24.17`, `etcd Version: 3.5.6`, `CNI loopback plugin v1.1.1`.
 * Undefined if there is none: `loopback version unknown`.
 */
export function versionFromOutput(output: string): string | undefined {
  return /(?:^|[\s:])v?(\d+\.\d+\.\d+(?:[-+~][\w.+~-]+)?)(?=[\s,]|$)/m.exec(output)?.[1];
}
