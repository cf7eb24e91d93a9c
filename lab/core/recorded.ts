/**
 * What the recorder on a node saw: images/node-tools/internal/recorder. Times are ISO 8601 with microseconds. They are
 * from the clock of the node, as are the times in the log of the runtime. Texts keep every byte, as core/content.ts
 * describes.
 */
export type Recorded = CniCallStarted | CniCallEnded | NetnsChange | Unrecorded;

/** A plugin was called. If there is no end, the call did not end during the run. */
export interface CniCallStarted {
  readonly kind: 'cni-call-started';
  /** counted from 1 on each node */
  readonly call: number;
  /** the call whose plugin made this call: `bridge` calls `host-local` */
  readonly within?: number;
  /** the file name of the plugin */
  readonly plugin: string;
  readonly path: string;
  /** CNI_COMMAND; empty if it is not set */
  readonly verb: string;
  /** all CNI_… variables */
  readonly env: Readonly<Record<string, string>>;
  /** CNI_NETNS; no inode if the path does not lead to a namespace */
  readonly netns?: { readonly path: string; readonly inode?: string };
  readonly parent: { readonly pid: number; readonly name: string };
  /** the input that was read within 100 ms; if more came later, the end of the call has all of it */
  readonly stdin: string;
  /** streams of which only the first MiB is here */
  readonly cut?: readonly Stream[];
  readonly time: string;
}

export interface CniCallEnded {
  readonly kind: 'cni-call-ended';
  readonly call: number;
  /** null if a signal ended it */
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

/** A name that appeared in or disappeared from /run/netns, as `ip netns monitor` shows it. */
export interface NetnsChange {
  readonly kind: 'netns';
  readonly change: (typeof NETNS_CHANGES)[number];
  readonly name: string;
  readonly time: string;
}

/** The record may be incomplete: calls may be missing. */
export interface Unrecorded {
  readonly kind: 'unrecorded';
  readonly why: string;
}

export const STREAMS = ['stdin', 'stdout', 'stderr'] as const;
export type Stream = (typeof STREAMS)[number];
