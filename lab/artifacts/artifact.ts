import type { SourceName } from '../core/components.ts';

/** One file of an artifact, relative to the artifact's folder: bin/containerd. */
export interface ArtifactFile {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly executable: boolean;
}

/**
 * A verified, unpacked component in the cache. Its folder is read-only by convention and never changes: the key is a
 * hash over everything that made it. Layout by component:
 *   containerd   bin/containerd, bin/containerd-shim-runc-v2 (and -v1 where there is one), bin/ctr
 *   runc         bin/runc
 *   cni-plugins  bin/bridge, bin/loopback, …
 *   crictl       bin/crictl
 *   node-tools   bin/agent, bin/crictl, bin/pause
 *   iptables, nftables     a tree as it would lie below /: usr/sbin/iptables, usr/lib/…
 *   node-root    root.tar, a whole tree with its links, and packages.txt, what it is made of
 *   critest      bin/critest.test; critest-images: an OCI layout in images/, and bin/registry to serve it;
 *                critest-apparmor: a tree as it would lie below /, with sudo and apparmor_parser
 *   images       pause.tar, app.tar (OCI image archives)
 */
export interface Artifact {
  /** a ComponentName, or one of the lab's own: node-tools, critest, iptables, nftables, node-root, pause-image, … */
  readonly name: string;
  readonly version: string;
  readonly source: SourceName | 'own';
  /** sha256, hex: names the folder in the cache */
  readonly key: string;
  /** absolute path of the folder */
  readonly hostPath: string;
  readonly files: readonly ArtifactFile[];
  /** how it was made, for the journal: the URL, the go build command, the package */
  readonly madeBy: string;
  /** what whoever reads a report must know of it: without seccomp */
  readonly note?: string;
}
