import type { SourceName, ComponentName, ComponentRef } from '../core/components.ts';
import type { Result } from '../core/lab-error.ts';

/** One file of an artifact, relative to the directory of the artifact: bin/containerd. */
export interface ArtifactFile {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly executable: boolean;
}

/**
 * A verified, unpacked component in the cache. Its directory is read-only by convention and never changes: the key is a
 * hash over everything that made it. Layout by component:
 *   containerd   bin/containerd, bin/containerd-shim-runc-v2 (and -v1 if it exists), bin/ctr
 *   crio         bin/crio, bin/pinns, bin/conmon
 *   runc         bin/runc
 *   cni-plugins  bin/bridge, bin/loopback, …
 *   crictl       bin/crictl
 *   kubernetes   bin/kubelet, kubeadm, kubectl, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy
 *   etcd         bin/etcd, and bin/etcdctl if it is from a release
 *   node-tools   bin/agent, bin/crictl, bin/pause, bin/cni-fake
 *   cni-fake     only bin/cni-fake, the program of every scripted plugin
 *   iptables, nftables     a tree with paths relative to /: usr/sbin/iptables, usr/lib/…
 *   node-root    root.tar, a complete tree with its links, and packages.txt, the list of its packages
 *   critest      bin/critest.test; critest-images: an OCI layout in images/, and bin/registry to serve it;
 *                critest-apparmor: a tree with paths relative to /, with sudo and apparmor_parser
 *   images       pause.tar, app.tar (OCI image archives)
 */
export interface Artifact {
  /** a ComponentName, or one of the lab's own: node-tools, critest, iptables, nftables, node-root, pause-image, … */
  readonly name: string;
  readonly version: string;
  readonly source: SourceName | 'own' | 'fake';
  /** sha256 in hex; the name of the directory in the cache */
  readonly key: string;
  /** absolute path of the directory */
  readonly hostPath: string;
  readonly files: readonly ArtifactFile[];
  /** how it was made, for the journal: the URL, the go build command, the package */
  readonly madeBy: string;
  /** what a reader of a report must know about it, for example that it has no seccomp */
  readonly note?: string;
}

/** Why a source cannot provide an artifact. */
export interface Refusal {
  readonly source: SourceName | 'own';
  /**
   * - `not-there`: the source was asked and does not have this version
   * - `not-here`: the source cannot work on this host (a tool is missing, or it is not Debian)
   * - `unreachable`: the source could not be asked, so nothing is known
   * - `broken`: the source has the version, but what it delivered is wrong or does not build
   */
  readonly reason: 'not-there' | 'not-here' | 'unreachable' | 'broken';
  readonly why: string;
  /** what the user can do to make it work */
  readonly wayOut?: string;
}

export interface Made {
  /** how it was made, for the journal */
  readonly madeBy: string;
  /** what a reader of a report must know about it, for example that it has no seccomp */
  readonly note?: string;
}

/** What a recipe gets while it works. */
export interface Job {
  readonly signal: AbortSignal;
  /** a directory for temporary files; it is removed afterwards */
  readonly scratchHostPath: string;
  /** `waiting`: nothing is done for it until others have ended */
  readonly progress: (
    step: string,
    how?: { readonly done: number; readonly total?: number } | 'waiting',
  ) => void;
}

/** One way to make one artifact. */
export interface Recipe {
  readonly source: SourceName | 'own';
  readonly name: string;
  readonly version: string;
  /**
   * Everything that determines the result, as canonical JSON. It is the key in the cache. What can only be found out by
   * running a program (the version of the compiler) is not included, so that looking in a warm cache starts no child
   * process.
   */
  readonly request: string;
  /** A cheap check whether `make` can work. Absent if only `make` itself can show it. */
  check?(signal: AbortSignal): Promise<Refusal | undefined>;
  /** Fills the empty directory `treeHostPath` with the files of the artifact. */
  make(treeHostPath: string, job: Job): Promise<Result<Made, Refusal>>;
}

/** A source of components. */
export interface Source {
  readonly name: SourceName;
  /** How this source would make it, or why it never can. Only reads the disk of this host, and starts no process. */
  recipe(ref: ComponentRef): Result<Recipe, Refusal>;
  /** Why it cannot provide anything on this host at the moment; undefined if it can. For `doctor`. */
  check(signal: AbortSignal): Promise<Refusal | undefined>;
  /** Every version that the source lists. For people, and to suggest similar versions that exist. */
  versions(component: ComponentName, signal: AbortSignal): Promise<Result<readonly string[], Refusal>>;
}

/** Progress of fetching an artifact. `what` is the name for people: `containerd 1.6.3`. */
export type ArtifactEvent =
  | {
      readonly kind: 'artifact-progress';
      readonly what: string;
      readonly source: SourceName | 'own';
      /** the current action: `downloading`, `building` */
      readonly step: string;
      readonly doneBytes?: number;
      readonly totalBytes?: number;
      /** nothing is done for it until others have ended */
      readonly waiting?: true;
    }
  /** one source cannot provide it; the next one is tried */
  | {
      readonly kind: 'artifact-refused';
      readonly what: string;
      readonly source: SourceName | 'own';
      readonly why: string;
    }
  /** it came from `source`, although an earlier source has it, but delivered something wrong */
  | {
      readonly kind: 'artifact-instead';
      readonly what: string;
      readonly source: Artifact['source'];
      readonly broken: { readonly source: SourceName | 'own'; readonly why: string };
    }
  /** another lab with this cache is making the same artifact */
  | { readonly kind: 'artifact-waiting'; readonly what: string }
  /** the content of the cache is not what was stored; it is removed and made again */
  | { readonly kind: 'artifact-damaged'; readonly what: string; readonly why: string }
  | {
      readonly kind: 'artifact-ready';
      readonly what: string;
      readonly artifact: Artifact;
      /** `cache`: nothing had to be done */
      readonly from: 'cache' | 'source';
    };
