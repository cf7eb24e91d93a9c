import * as v from 'valibot';

import {
  check,
  clusterLook,
  commandResult,
  nodeState,
  texts,
  type Schema,
  RECORDED_FIELDS,
} from '../core/json.ts';
import { RUNTIME_STATES } from '../core/node-state.ts';
import { err, ok, type Result } from '../core/lab-error.ts';
import type { JournalEntry } from './observation.ts';

type Kind = JournalEntry['kind'];
type FieldsOf<K extends Kind> = Omit<Extract<JournalEntry, { kind: K }>, 'kind' | 'atMs' | 'node'>;

const stepId = v.string();
const optionalText = v.exactOptional(v.string());
const optionalNumber = v.exactOptional(v.number());

/** The record of the agent, and the step during which it was made. */
const recorded = <K extends keyof typeof RECORDED_FIELDS>(kind: K) =>
  v.intersect([RECORDED_FIELDS[kind], v.looseObject({ stepId })]);

/** The fields of each kind, besides `kind` and `atMs`. Unknown fields are accepted, because a format may grow. */
const FIELDS: { readonly [K in Kind]: Schema<FieldsOf<K>> } = {
  'run-started': v.looseObject({
    formatVersion: v.literal(3),
    labVersion: v.string(),
    time: v.string(),
    backend: v.string(),
    host: texts,
  }),
  artifact: v.looseObject({
    name: v.string(),
    version: v.string(),
    source: v.string(),
    key: v.string(),
    madeBy: v.string(),
    note: optionalText,
  }),
  'node-ready': v.looseObject({
    name: v.string(),
    nodeMs: v.number(),
    runtimeMs: v.number(),
    runtimeVersion: v.string(),
    runtimeStartedBy: v.exactOptional(v.picklist(['lab', 'node'])),
  }),
  'cluster-part': v.looseObject({ part: v.string(), ms: v.number() }),
  'cluster-look': v.looseObject({ stepId, cluster: clusterLook }),
  'step-started': v.looseObject({ stepId }),
  command: v.looseObject({
    stepId,
    pod: optionalText,
    container: optionalText,
    id: optionalText,
    result: commandResult,
  }),
  capture: v.looseObject({ stepId, name: v.string(), value: v.string() }),
  waited: v.looseObject({
    stepId,
    what: v.string(),
    met: v.boolean(),
    timedOut: v.boolean(),
    lastSeen: v.string(),
    waitedMs: v.number(),
  }),
  files: v.looseObject({
    stepId,
    written: v.array(v.string()),
    removed: v.array(v.string()),
    absent: v.array(v.string()),
  }),
  'not-run': v.looseObject({ stepId, why: v.string(), untried: v.exactOptional(v.boolean()) }),
  'runtime-log': v.looseObject({ stepId, text: v.string() }),
  'runtime-ended': v.looseObject({
    stepId,
    asked: v.boolean(),
    exitCode: v.nullable(v.number()),
    signal: v.nullable(v.string()),
  }),
  look: v.looseObject({ stepId, state: nodeState, runtime: v.picklist(RUNTIME_STATES) }),
  'cni-call-started': recorded('cni-call-started'),
  'cni-call-ended': recorded('cni-call-ended'),
  netns: recorded('netns'),
  unrecorded: recorded('unrecorded'),
  'step-ended': v.looseObject({ stepId }),
  usage: v.looseObject({ usage: v.looseObject({ cpuMs: optionalNumber, memoryPeakBytes: optionalNumber }) }),
  'lab-failure': v.looseObject({ during: v.string(), message: v.string() }),
  'cleanup-failure': v.looseObject({ what: v.string(), message: v.string() }),
  interrupted: v.looseObject({ by: v.string() }),
  'run-ended': v.looseObject({ entries: v.number() }),
};

const ENTRY = v.looseObject({ kind: v.string(), atMs: v.number(), node: optionalText });
const isKind = (name: string): name is Kind => Object.hasOwn(FIELDS, name);

/** The only place that checks input from a journal: returns a typed line, or what is wrong with it. */
export function journalEntryOf(value: unknown, formatVersion: number): Result<JournalEntry, string> {
  const entry = check(ENTRY, value);
  if (!entry.ok) return err(entry.error === '' ? 'is not an object' : `has no sound "${entry.error}"`);
  const { kind, formatVersion: got } = entry.value;
  if (kind === 'run-started' && got !== formatVersion)
    return err(`is of format ${JSON.stringify(got)}, and this cnilab reads format ${formatVersion} alone`);
  if (!isKind(kind)) return err(`has an unknown kind ${JSON.stringify(kind)}`);
  const fields = check<FieldsOf<Kind>>(FIELDS[kind], value);
  if (!fields.ok) return err(`is a ${kind} without a sound "${fields.error}"`);
  return ok(value as JournalEntry); // FIELDS[kind] has checked it, but TypeScript cannot follow that across the union
}
