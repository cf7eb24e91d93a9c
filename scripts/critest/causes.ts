import type { RuntimeName } from '../../lab/core/components.ts';
import type { BackendName } from '../../lab/nodes/node.ts';

/** Specs that are not run, because they can only fail here. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

/**
 * Specs of critest whose image cannot be built here. Specs that skip themselves are not listed, because they report
 * why.
 */
export const LEFT_OUT: readonly LeftOut[] = [
  {
    name: 'public image with digest should be pulled and removed',
    why: 'image: critest names the sha256 of an image that its own registry alone has, and no other image can have it',
  },
  {
    name: 'runtime should support MaskedPaths',
    why: "image: the shell of Debian's busybox runs an ls of its own, and never looks at the /bin/ls that is covered",
  },
];

/** Where a run took place. */
export interface Place {
  readonly backend: BackendName;
  readonly runtime: {
    readonly name: RuntimeName;
    /** what it says itself */
    readonly version: string;
  };
}

/** A failure with a known cause. */
interface Cause {
  /** parts of the names of its specs */
  readonly specs: readonly string[];
  readonly at: (place: Place) => boolean;
  readonly why: string;
}

const CAUSES: readonly Cause[] = [
  {
    specs: [
      'Idempotence StopPodSandbox should not return an error if not found',
      'Idempotence StopContainer should not return an error if not found',
    ],
    at: ({ runtime: { name, version } }) => name === 'containerd' && /^v?1\.6\./.test(version),
    why: 'containerd: this version answers NotFound where CRI has come to want success',
  },
  {
    specs: ['Image Identifier Consistency'],
    at: ({ runtime: { name } }) => name === 'crio',
    why: 'crio: PullImage answers with the name of the image and its digest, not with the id of the image',
  },
  {
    specs: ['SeccompProfilePath'],
    at: ({ runtime: { name } }) => name === 'crio',
    why: 'build: CRI-O from Go modules is built without seccomp; that of the official bundle has it',
  },
  {
    specs: ['runtime should support sysctls'],
    at: ({ runtime: { name }, backend }) => name === 'crio' && backend !== 'vm',
    why: 'node: pinns writes the sysctls of a pod to /proc/sys of the node, which is read-only; containerd leaves them to runc',
  },
  {
    specs: ['port mapping with host port and container port'],
    at: ({ runtime: { name } }) => name === 'crio',
    why: 'crio: it leads a connection from 127.0.0.1 to the pod, but does not masquerade it and leaves route_localnet at 0',
  },
];

/** Why a spec fails there, if that is known. */
export const causeOf = (spec: string, place: Place): string | undefined =>
  CAUSES.find(({ specs, at }) => at(place) && specs.some((name) => spec.includes(name)))?.why;
