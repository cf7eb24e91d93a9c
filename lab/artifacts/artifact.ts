import type { SourceName, ComponentName, ComponentRef } from '../core/components.ts';
import type { Result } from '../core/lab-error.ts';

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
 *   crio         bin/crio, bin/pinns, bin/conmon
 *   runc         bin/runc
 *   cni-plugins  bin/bridge, bin/loopback, …
 *   crictl       bin/crictl
 *   kubernetes   bin/kubelet, kubeadm, kubectl, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy
 *   etcd         bin/etcd, and bin/etcdctl where it is from a release
 *   node-tools   bin/agent, bin/crictl, bin/pause, bin/cni-fake
 *   cni-fake     bin/cni-fake alone, which is every scripted plugin
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
  readonly source: SourceName | 'own' | 'fake';
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

/** Why a source does not serve. */
export interface Refusal {
  readonly source: SourceName | 'own';
  /**
   * not-there: the source was asked and has no such version
   * not-here: the source cannot work on this host (a tool is missing, not Debian)
   * unreachable: it could not be asked, so nothing is known
   * broken: it has the version, and what came is wrong or does not build
   */
  readonly reason: 'not-there' | 'not-here' | 'unreachable' | 'broken';
  readonly why: string;
  /** what would make it serve */
  readonly wayOut?: string;
}

export interface Made {
  /** how it was made, for the journal */
  readonly madeBy: string;
  /** what whoever reads a report must know of it: without seccomp */
  readonly note?: string;
}

/** What a recipe is given while it works. */
export interface Job {
  readonly signal: AbortSignal;
  /** a folder for its temporary files, removed afterwards */
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
   * Everything that decides the result, as canonical JSON: under this the cache remembers it. What can only be known by
   * running something (the compiler's version) stays out, so that a warm look costs no child process.
   */
  readonly request: string;
  /** Looks, at little cost, whether `make` could work; absent where only trying shows it. */
  check?(signal: AbortSignal): Promise<Refusal | undefined>;
  /** Fills the empty folder `treeHostPath` with the artifact's files. */
  make(treeHostPath: string, job: Job): Promise<Result<Made, Refusal>>;
}

/** A place that components come from. */
export interface Source {
  readonly name: SourceName;
  /** How this source would make it; or why it never will. Touches nothing but this host's disk, and costs no process. */
  recipe(ref: ComponentRef): Result<Recipe, Refusal>;
  /** Why it cannot serve anything on this host just now, if so; for `doctor`. */
  check(signal: AbortSignal): Promise<Refusal | undefined>;
  /** Every version that the source itself lists when asked; for people, and for "the nearest that exist". */
  versions(component: ComponentName, signal: AbortSignal): Promise<Result<readonly string[], Refusal>>;
}

/** What fetching has to say while it happens. `what` is the artifact as people name it: `containerd 1.6.3`. */
export type ArtifactEvent =
  | {
      readonly kind: 'artifact-progress';
      readonly what: string;
      readonly source: SourceName | 'own';
      /** what is being done, in the present participle: `downloading`, `building` */
      readonly step: string;
      readonly doneBytes?: number;
      readonly totalBytes?: number;
      /** nothing is done for it until others have ended */
      readonly waiting?: true;
    }
  /** one source does not serve; the next one is tried */
  | {
      readonly kind: 'artifact-refused';
      readonly what: string;
      readonly source: SourceName | 'own';
      readonly why: string;
    }
  /** it was had, from `source`, though an earlier one has it and what came from there was wrong */
  | {
      readonly kind: 'artifact-instead';
      readonly what: string;
      readonly source: Artifact['source'];
      readonly broken: { readonly source: SourceName | 'own'; readonly why: string };
    }
  /** another lab on this cache is making the same thing */
  | { readonly kind: 'artifact-waiting'; readonly what: string }
  /** what lay in the cache is not what was put there; it is removed and made again */
  | { readonly kind: 'artifact-damaged'; readonly what: string; readonly why: string }
  | {
      readonly kind: 'artifact-ready';
      readonly what: string;
      readonly artifact: Artifact;
      /** `cache`: nothing had to be done */
      readonly from: 'cache' | 'source';
    };
