import type { BackendName } from '../../lab/nodes/node.ts';

/** A spec that is not run, as it could only fail here. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

/** Specs of critest whose image cannot be made here. What a spec skips by itself is not among them: it says why. */
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
  /** what containerd says itself */
  readonly containerd: string;
}

/** A failure that is understood. */
interface Cause {
  /** what stands in the names of its specs */
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
    at: ({ containerd }) => /^v?1\.6\./.test(containerd),
    why: 'containerd: this version answers NotFound where CRI has come to want success',
  },
];

/** Why a spec fails there, where that is known. */
export const causeOf = (spec: string, place: Place): string | undefined =>
  CAUSES.find(({ specs, at }) => at(place) && specs.some((name) => spec.includes(name)))?.why;
