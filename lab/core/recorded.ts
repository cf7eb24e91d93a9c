/**
 * What the recorder on a node saw: images/node-tools/internal/recorder. Times are of the node's clock, ISO 8601 with
 * microseconds, the same clock as of the runtime's log. Texts have what was there byte for byte, as core/content.ts says.
 */
export type Recorded = CniCallStarted | CniCallEnded | NetnsChange | Unrecorded;

/** A plugin was called. One that has no end did not end while the run lasted. */
export interface CniCallStarted {
  readonly kind: 'cni-call-started';
  /** counted from 1 on each node */
  readonly call: number;
  /** the call whose plugin made this one: `bridge` calls `host-local` */
  readonly within?: number;
  /** the name of its file */
  readonly plugin: string;
  readonly path: string;
  /** CNI_COMMAND; empty where there is none */
  readonly verb: string;
  /** all CNI_… variables */
  readonly env: Readonly<Record<string, string>>;
  /** CNI_NETNS; without an inode where the path leads to no namespace */
  readonly netns?: { readonly path: string; readonly inode?: string };
  readonly parent: { readonly pid: number; readonly name: string };
  /** what was read within 100 ms; where more came later, the whole is in the end of the call */
  readonly stdin: string;
  /** streams of which only the first MiB is here */
  readonly cut?: readonly Stream[];
  readonly time: string;
}

export interface CniCallEnded {
  readonly kind: 'cni-call-ended';
  readonly call: number;
  /** null where a signal ended it */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdin?: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly cut?: readonly Stream[];
  readonly durationMs: number;
  readonly time: string;
}

export const NETNS_CHANGES = ['appeared', 'disappeared'] as const;

/** A name in /run/netns, as `ip netns monitor` shows it. */
export interface NetnsChange {
  readonly kind: 'netns';
  readonly change: (typeof NETNS_CHANGES)[number];
  readonly name: string;
  readonly time: string;
}

/** Calls may be missing from the record. */
export interface Unrecorded {
  readonly kind: 'unrecorded';
  readonly why: string;
}

export const STREAMS = ['stdin', 'stdout', 'stderr'] as const;
export type Stream = (typeof STREAMS)[number];
