import { parse } from 'smol-toml';

import { messageOf, err, ok, type Result } from '../core/lab-error.ts';
import { formatDiagnostic } from './diagnostic.ts';
import { jsonShape, isKeptByDoubles, type WrittenJson, type WrittenObject } from './written-json.ts';
import { readWithReferences } from './references.ts';
import { literally } from './template.ts';
import { YamlFile } from './yaml-file.ts';

/** Tables of a runtime configuration in a separate file: TOML, or YAML as in a scenario. */
export function readConfigTables(source: { file: string; text: string }): Result<WrittenObject, string> {
  return source.file.endsWith('.toml') ? readToml(source) : readYaml(source);
}

function readToml({ file, text }: { file: string; text: string }): Result<WrittenObject, string> {
  try {
    return ok(tableOf(parse(text, { integersAsBigInt: true })));
  } catch (thrown) {
    return err(`${file} cannot be read as TOML: ${messageOf(thrown)}`);
  }
}

function tableOf(table: object): WrittenObject {
  return {
    is: 'mapping',
    entries: Object.entries(table).map(([key, value]) => [literally(key), writtenOf(value)] as const),
  };
}

/** Integers have their own type here, so a number is a float in TOML. */
function writtenOf(value: unknown): WrittenJson {
  if (typeof value === 'string') return { is: 'text', text: literally(value) };
  if (typeof value === 'boolean') return { is: 'plain', source: String(value) };
  if (Array.isArray(value)) return { is: 'list', items: value.map(writtenOf) };
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isInteger(value))) {
    const source = String(value);
    if (isKeptByDoubles(source) && Number.isFinite(Number(source))) return { is: 'plain', source };
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) return tableOf(value);
  throw new Error(`the value ${String(value)} cannot be kept as it is written`);
}

function readYaml(source: { file: string; text: string }): Result<WrittenObject, string> {
  const yaml = new YamlFile(source);
  const read = readWithReferences(yaml, jsonShape({ reach: 'matrix', numbers: 'doubles' }));
  return read.ok ? read : err(read.error.map(formatDiagnostic).join('\n'));
}

/** Merges table by table. A value that is not a table on both sides is replaced. */
export function mergeTables(base: WrittenObject, over: WrittenObject): WrittenObject {
  const merged = new Map(base.entries);
  for (const [key, value] of over.entries) {
    const below = merged.get(key);
    merged.set(key, below?.is === 'mapping' && value.is === 'mapping' ? mergeTables(below, value) : value);
  }
  return { is: 'mapping', entries: [...merged] };
}
