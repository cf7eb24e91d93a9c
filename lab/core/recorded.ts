import * as v from 'valibot';

import { texts, type Schema } from './json.ts';

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

/** A name in /run/netns, as `ip netns monitor` shows it. */
export interface NetnsChange {
  readonly kind: 'netns';
  readonly change: 'appeared' | 'disappeared';
  readonly name: string;
  readonly time: string;
}

/** Calls may be missing from the record. */
export interface Unrecorded {
  readonly kind: 'unrecorded';
  readonly why: string;
}

const STREAMS = ['stdin', 'stdout', 'stderr'] as const;
export type Stream = (typeof STREAMS)[number];
const cut = v.exactOptional(v.array(v.picklist(STREAMS)));

/** The fields of each kind, `kind` itself left out. */
export const RECORDED_FIELDS: {
  readonly [K in Recorded['kind']]: Schema<Omit<Extract<Recorded, { kind: K }>, 'kind'>>;
} = {
  'cni-call-started': v.looseObject({
    call: v.number(),
    within: v.exactOptional(v.number()),
    plugin: v.string(),
    path: v.string(),
    verb: v.string(),
    env: texts,
    netns: v.exactOptional(v.looseObject({ path: v.string(), inode: v.exactOptional(v.string()) })),
    parent: v.looseObject({ pid: v.number(), name: v.string() }),
    stdin: v.string(),
    cut,
    time: v.string(),
  }),
  'cni-call-ended': v.looseObject({
    call: v.number(),
    exitCode: v.nullable(v.number()),
    signal: v.nullable(v.string()),
    stdin: v.exactOptional(v.string()),
    stdout: v.string(),
    stderr: v.string(),
    cut,
    durationMs: v.number(),
    time: v.string(),
  }),
  netns: v.looseObject({
    change: v.picklist(['appeared', 'disappeared']),
    name: v.string(),
    time: v.string(),
  }),
  unrecorded: v.looseObject({ why: v.string() }),
};

const KIND = v.looseObject({
  kind: v.picklist(['cni-call-started', 'cni-call-ended', 'netns', 'unrecorded']),
});

/** One record of the agent's, checked; undefined for anything else. */
export function recordedOf(value: unknown): Recorded | undefined {
  const kind = v.safeParse(KIND, value);
  if (!kind.success || !v.safeParse(RECORDED_FIELDS[kind.output.kind], value).success) return undefined;
  return value as Recorded; // its schema has said so
}
