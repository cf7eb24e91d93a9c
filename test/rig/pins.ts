import { parse } from 'yaml';
import { parsePins, type Pins } from '../../lab/plan/pins.ts';
import type { ComponentName } from '../../lab/core/components.ts';

/** Pins of invented versions: for each component, version → sha256 (for kubernetes sha512) of its amd64 release. */
export function pinsWith(
  releases: Partial<Record<ComponentName, Readonly<Record<string, string>>>>,
  gomodPinned: readonly string[] = [],
): Pins {
  const release = (component: ComponentName, url: string) => `
    default: 1.0.0
    release:
      url: https://official.invalid/${url}
      checksums: "{url}.sha256sum"
      sha256: ${Object.keys(releases[component] ?? {}).length === 0 ? '{}' : ''}
${Object.entries(releases[component] ?? {})
  .map(([version, sha256]) => `        ${version}: { amd64: ${sha256} }\n`)
  .join('')}`;
  const yamlText = `components:
  containerd:${release('containerd', 'containerd/containerd/releases/download/v{version}/containerd-{version}-linux-{arch}.tar.gz')}
    gomod:
      "1":
        module: example.invalid/containerd
        packages: [cmd/containerd]
        tags: [no_btrfs]
        cgo: false
        set:
          example.invalid/containerd/version.Version: "v{version}"
        pinned: [${gomodPinned.join(', ')}]
    debian:
      package: containerd
      folder: usr/bin
      versions: { bookworm: 1.6.20, sid: 2.1.9 }
  crio:${release('crio', 'cri-o/artifacts/cri-o.{arch}.v{version}.tar.gz')}
  runc:${release('runc', 'opencontainers/runc/releases/download/v{version}/runc.{arch}')}
  cni-plugins:${release('cni-plugins', 'containernetworking/plugins/releases/download/v{version}/cni-plugins-linux-{arch}-v{version}.tgz')}
  crictl:${release('crictl', 'kubernetes-sigs/cri-tools/releases/download/v{version}/crictl-v{version}-linux-{arch}.tar.gz')}
  kubernetes:${release('kubernetes', 'v{version}/kubernetes-server-linux-{arch}.tar.gz').replace('sha256:', 'sha512:')}
  kind:${release('kind', 'kubernetes-sigs/kind/releases/download/v{version}/kind-linux-{arch}')}
  etcd:${release('etcd', 'etcd-io/etcd/releases/download/v{version}/etcd-v{version}-linux-{arch}.tar.gz')}
critest:
  module: example.invalid/cri-tools
  packages: [cmd/critest]
  tags: []
  cgo: false
  set: {}
  pinned: [1.0.0]
debian:
  suites: [bookworm, sid]
  security: [bookworm]
`;
  const pins = parsePins(parse(yamlText, { schema: 'failsafe' }));
  if (!pins.ok) throw new Error(pins.error);
  return pins.value;
}
