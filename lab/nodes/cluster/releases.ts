const NEVER = Infinity;

/**
 * What differs between releases of Kubernetes, of what the lab does. It is so from the first minor of 1.x on, and before the
 * second. Changelogs are https://github.com/kubernetes/kubernetes/blob/master/CHANGELOG/CHANGELOG-1.MINOR.md
 */
const DIFFERENCES = {
  /** kubelet starts it, unless it is told that its runtime is a remote one. CHANGELOG-1.24: "Dockershim removed" */
  hasDockershim: [0, 24],
  /**
   * kubeadm writes an admin.conf for the group kubeadm:cluster-admins, which has no role yet, and a super-admin.conf.
   * CHANGELOG-1.29: "a separate "super-admin.conf" file is now deployed"
   */
  hasSuperAdmin: [29, NEVER],
  /**
   * Pods on nodes that are gone are evicted by a controller of its own, which was a part of nodelifecycle before.
   * https://github.com/kubernetes/kubernetes/blob/v1.29.0/cmd/kube-controller-manager/names/controller_names.go
   */
  hasTaintEviction: [29, NEVER],
  /** in place of v1beta3. CHANGELOG-1.31: "enabled the v1beta4 API"; kubeadm 1.37 reads no other one */
  readsKubeadmV1beta4: [31, NEVER],
  /**
   * kind writes v1beta4 for kubeadm. kind 0.32.0 and later do; up to 0.30.0 kind writes v1beta3 for every version.
   * https://github.com/kubernetes-sigs/kind/blob/v0.33.0/pkg/cluster/internal/kubeadm/config.go
   */
  kindWritesKubeadmV1beta4: [36, NEVER],
  /** kubelet accepts `--pod-infra-container-image`. CHANGELOG-1.35: "Removed the `--pod-infra-container-image` flag" */
  acceptsSandboxImage: [0, 35],
  /** kubelet, unless it is told otherwise. CHANGELOG-1.35: "`failCgroupV1` will be set to true from 1.35" */
  refusesCgroupV1: [35, NEVER],
} as const satisfies Readonly<Record<string, readonly [from: number, before: number]>>;

export type KubernetesRelease = Readonly<Record<keyof typeof DIFFERENCES, boolean>>;

/** What is so in a version of Kubernetes. */
export function releaseOf(version: string): KubernetesRelease {
  const minor = Number(version.split('.')[1]);
  const is = Object.entries(DIFFERENCES).map(([what, [from, before]]) => [
    what,
    minor >= from && minor < before,
  ]);
  return Object.fromEntries(is) as KubernetesRelease; // each key is one of the table
}
