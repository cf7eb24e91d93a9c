import * as v from 'valibot';

import { RUNTIMES } from '../core/components.ts';
import { check, parseJson, texts, type Schema } from '../core/json.ts';
import { err, ok, type Result } from '../core/lab-error.ts';
import type { RunHead } from './plan.ts';
import type { Shard } from './shard.ts';

/** `session.json`: which part of which plan the runs in a folder are. See docs/journal.md. */
export interface SessionRecord {
  readonly formatVersion: 1;
  readonly labVersion: string;
  readonly backend: string;
  readonly host: Readonly<Record<string, string>>;
  /** ISO 8601 */
  readonly started: string;
  /** a session that is not split is 1/1 */
  readonly shard: Shard;
  /** SHA-256 of `runs.jsonl` next to it, which is the same for all shards of one plan */
  readonly runsSha256: string;
  /** missing while it runs, and if it was killed */
  readonly ended?: { readonly time: string; readonly interruptedBy?: string };
}

/** A line of `runs.jsonl`: one run of the complete plan, in whichever shard it is. */
export interface ListedRun extends RunHead {
  /** counted from 1 */
  readonly shard: number;
  /** SHA-256 of the `plan.json` of the run */
  readonly planSha256: string;
}

export const formatListedRun = (run: ListedRun): string => `${JSON.stringify(run)}\n`;

const place = v.looseObject({ file: v.string(), line: v.number(), column: v.number() });
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const counted = v.pipe(v.number(), v.integer(), v.minValue(1));

const SESSION: Schema<Omit<SessionRecord, 'formatVersion'>> = v.looseObject({
  labVersion: v.string(),
  backend: v.string(),
  host: texts,
  started: v.string(),
  shard: v.looseObject({ index: counted, count: counted }),
  runsSha256: sha256,
  ended: v.exactOptional(v.looseObject({ time: v.string(), interruptedBy: v.exactOptional(v.string()) })),
});

const LISTED: Schema<unknown> = v.looseObject({
  title: v.string(),
  slug: v.string(),
  scenario: v.looseObject({ name: v.string(), summary: v.string(), place }),
  control: v.exactOptional(v.looseObject({ outcome: v.string() })),
  cell: texts,
  nodes: v.array(
    v.looseObject({ runtime: v.looseObject({ component: v.picklist(RUNTIMES), version: v.string() }) }),
  ),
  shard: counted,
  planSha256: sha256,
});

const HEAD = v.looseObject({ formatVersion: v.unknown() });

export function parseSessionRecord(json: string): Result<SessionRecord, string> {
  const parsed = parseJson(json);
  if (!parsed.ok) return err(`this is not JSON: ${parsed.error}`);
  const head = check(HEAD, parsed.value);
  if (!head.ok) return err('this is not the record of a session');
  if (head.value.formatVersion !== 1)
    return err(
      `it is of format ${JSON.stringify(head.value.formatVersion)}, and this cnilab reads format 1 alone`,
    );
  const record = check(SESSION, parsed.value);
  if (!record.ok) return err(`it has no sound "${record.error}"`);
  const { index, count } = record.value.shard;
  if (index > count) return err('it has no sound "shard.index"');
  return ok(parsed.value as SessionRecord);
}

export function parseListedRun(line: string): Result<ListedRun, string> {
  const parsed = parseJson(line);
  if (!parsed.ok) return err(`is not JSON: ${parsed.error}`);
  const run = check(LISTED, parsed.value);
  if (!run.ok) return err(run.error === '' ? 'is not an object' : `has no sound "${run.error}"`);
  return ok(parsed.value as ListedRun); // LISTED has checked it, except for the content of a control
}
