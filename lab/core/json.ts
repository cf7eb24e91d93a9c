import * as v from 'valibot';

import type { ClusterLook } from './cluster-state.ts';
import { STATE_KINDS, type NodeState } from './node-state.ts';
import type { CommandResult } from './ports.ts';
import { STREAMS, type Recorded } from './recorded.ts';
import { err, ok, type Result } from './lab-error.ts';

/**
 * Schemas for JSON that a program wrote: journals, plans, agent messages, the cache, container engines. They use
 * valibot. What people write is read in spec/ instead: those readers know positions and report all mistakes at once.
 */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** The checked value, or the path of the first field that does not match the schema: `state.items.0.kind`. */
export function check<T>(schema: Schema<T>, value: unknown): Result<T, string> {
  const checked = v.safeParse(schema, value, { abortEarly: true });
  return checked.success ? ok(checked.output) : err(v.getDotPath(checked.issues[0]) ?? '');
}

/** The same for a text. Undefined if it is not JSON that matches the schema. */
export function readJson<T>(schema: Schema<T>, text: string): T | undefined {
  const value = parseJson(text);
  const checked = value.ok ? check(schema, value.value) : value;
  return checked.ok ? checked.value : undefined;
}

export function parseJson(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(text));
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** An object whose values are all strings. */
export const texts = v.record(v.string(), v.string());

/** Used by the agent, and by the journal that stores it. */
export const commandResult: Schema<CommandResult> = v.looseObject({
  argv: v.array(v.string()),
  exitCode: v.nullable(v.number()),
  signal: v.nullable(v.string()),
  stdout: v.string(),
  stderr: v.string(),
  durationMs: v.number(),
  timedOut: v.boolean(),
  killed: v.exactOptional(v.literal(true)),
});

const kind = v.picklist(STATE_KINDS);
export const nodeState: Schema<NodeState> = v.looseObject({
  items: v.array(
    v.looseObject({
      kind,
      name: v.string(),
      detail: v.exactOptional(texts),
      log: v.exactOptional(v.array(v.string())),
    }),
  ),
  unseen: v.array(v.looseObject({ kind, why: v.string() })),
  conflists: v.exactOptional(v.array(v.string())),
  network: v.exactOptional(
    v.union([
      v.looseObject({ ready: v.boolean(), reason: v.string(), message: v.string() }),
      v.looseObject({ unseen: v.string() }),
    ]),
  ),
});

const optionalText = v.exactOptional(v.string());

export const clusterLook: Schema<ClusterLook> = v.union([
  v.looseObject({ unseen: v.string(), forGood: v.exactOptional(v.literal(true)) }),
  v.looseObject({
    nodes: v.array(
      v.looseObject({
        name: v.string(),
        schedulable: v.boolean(),
        ready: v.picklist(['True', 'False', 'Unknown']),
        reason: v.string(),
        message: v.string(),
        runtimeVersion: v.string(),
      }),
    ),
    pods: v.array(
      v.looseObject({
        namespace: v.string(),
        name: v.string(),
        app: optionalText,
        node: optionalText,
        phase: v.string(),
        ready: v.boolean(),
        terminating: v.boolean(),
        ip: optionalText,
      }),
    ),
    events: v.array(
      v.looseObject({
        kind: v.string(),
        name: v.string(),
        type: v.string(),
        reason: v.string(),
        message: v.string(),
        count: v.number(),
      }),
    ),
  }),
]);

const cut = v.exactOptional(v.array(v.picklist(STREAMS)));

/** The fields of each kind, without `kind`. */
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

/** One record of the agent after a check; undefined if it is invalid. */
export function recordedOf(value: unknown): Recorded | undefined {
  const kind = v.safeParse(KIND, value);
  if (!kind.success || !v.safeParse(RECORDED_FIELDS[kind.output.kind], value).success) return undefined;
  return value as Recorded; // the schema has checked it
}
