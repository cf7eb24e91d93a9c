import {
  boolean,
  isObject,
  list,
  maybe,
  number,
  object,
  orNull,
  text,
  texts,
  wrongField,
  type Fields,
  type Is,
} from '../core/machine-json.ts';
import { STATE_KINDS } from '../core/node-state.ts';
import { RUNTIME_STATES } from '../core/runtime-state.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { JournalEntry } from './observation.ts';

const kind: Is = (value) => STATE_KINDS.some((known) => known === value);
const runtime: Is = (value) => RUNTIME_STATES.some((known) => known === value);

/** What each kind holds besides `kind` and `atMs`. Fields that it does not name are let through: format 2 may grow. */
const SHAPES: { readonly [K in JournalEntry['kind']]: Fields } = {
  'run-started': { formatVersion: number, labVersion: text, time: text, backend: text, host: texts },
  artifact: { name: text, version: text, source: text, key: text, madeBy: text, note: maybe(text) },
  'node-ready': {
    node: text,
    nodeMs: number,
    containerdMs: number,
    runtimeVersion: text,
    resumed: maybe(boolean),
  },
  'step-started': { stepId: text },
  command: {
    stepId: text,
    pod: maybe(text),
    container: maybe(text),
    id: maybe(text),
    result: object({
      argv: list(text),
      exitCode: orNull(number),
      signal: orNull(text),
      stdout: text,
      stderr: text,
      durationMs: number,
      timedOut: boolean,
    }),
  },
  capture: { stepId: text, name: text, value: text },
  waited: { stepId: text, what: text, met: boolean, timedOut: boolean, lastSeen: text, waitedMs: number },
  files: { stepId: text, written: list(text), removed: list(text), absent: list(text) },
  'not-run': { stepId: text, why: text },
  'containerd-log': { stepId: text, text },
  'containerd-ended': { stepId: text, asked: boolean, exitCode: orNull(number), signal: orNull(text) },
  look: {
    stepId: text,
    state: object({
      items: list(object({ kind, name: text, detail: maybe(texts) })),
      unseen: list(object({ kind, why: text })),
      conflists: maybe(list(text)),
    }),
    runtime,
  },
  'step-ended': { stepId: text },
  usage: { usage: object({ cpuMs: maybe(number), memoryPeakBytes: maybe(number) }) },
  'lab-failure': { during: text, message: text },
  'cleanup-failure': { what: text, message: text },
  interrupted: { by: text },
  'run-ended': { entries: number },
};

/** The one place where what was read is doubted: a line of a journal as its type, or what is wrong with it. */
export function journalEntryOf(value: unknown, formatVersion: number): Result<JournalEntry, string> {
  if (!isObject(value)) return err('is not an object');
  if (value['kind'] === 'run-started' && value['formatVersion'] !== formatVersion) {
    const got = JSON.stringify(value['formatVersion']);
    return err(`says formatVersion ${got}, this cnilab reads ${formatVersion}`);
  }
  const fields = shapeOf(value['kind']);
  if (fields === undefined) return err(`has an unknown kind ${JSON.stringify(value['kind'])}`);
  const wrong = wrongField({ ...fields, atMs: number }, value);
  if (wrong !== undefined) return err(`is a ${String(value['kind'])} without a sound "${wrong}"`);
  return ok(value as unknown as JournalEntry);
}

const shapeOf = (name: unknown): Fields | undefined =>
  typeof name === 'string' && Object.hasOwn(SHAPES, name) ? SHAPES[name as JournalEntry['kind']] : undefined;
