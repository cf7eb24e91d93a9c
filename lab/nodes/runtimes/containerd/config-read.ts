import { parse } from 'smol-toml';

import type { JsonObject, JsonValue } from '../../../core/content.ts';
import { parseLogrus } from '../../../core/logrus.ts';
import type { ConfigSeen, UnreadConfig } from '../../../core/runtime.ts';
import { isTable } from '../tables.ts';
import { inTablesOf, CRI, IMAGES, isStreamingAlone, RUNTIME } from './config.ts';

/** The names of the tables of the CRI plugin in all versions of containerd. */
const CRI_TABLES = [CRI, RUNTIME, IMAGES];

/**
 * The keys that this containerd ignores; it does not report unknown keys clearly. A file with the CRI tables of both
 * generations is meant for several versions, so only the tables of this version are checked. Undefined if it has read
 * everything.
 */
export function unreadConfig(
  wanted: JsonObject,
  { version, dump, log }: ConfigSeen,
): UnreadConfig | undefined {
  const config = inTablesOf(version, wanted);
  if (dump.exitCode !== 0) {
    const message = `it is not known what containerd ${version} reads of its configuration: ${dump.stderr.trim()}`;
    return { message, detail: [] };
  }
  const is1 = version.startsWith('1.');
  const warned = ignoredKeys(dump.stderr, config);
  const skipped = is1
    ? missingFrom(parse(dump.stdout), config)
    : [...warned, ...unknownPlugins(config, { log, warned })];
  const isOther = (table: string) => CRI_TABLES.includes(table) && is1 === (table !== CRI_TABLES[0]);
  const plugins = isTable(config['plugins']) ? config['plugins'] : {};
  const hasBoth = Object.keys(plugins).some((table) => CRI_TABLES.includes(table) && !isOther(table));
  const unread = skipped.filter(([, table = '']) => !(hasBoth && isOther(table)));
  const [first, ...others] = unread.map(tomlPath);
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const elsewhere = unread.some(([, table = '']) => isOther(table));
  return {
    message: `containerd ${version} does not read ${first}${more} of runtime-config`,
    detail: [...others, ...(elsewhere ? [ROLES] : [])],
  };
}

/**
 * A note if the configuration only has a CRI table of the other generation. Some versions migrate it, others ignore it.
 * A runtime that replaces another one reads the file that was written for that one.
 */
export function configNote(wanted: JsonObject, version: string, writtenFor = version): string | undefined {
  const { plugins } = inTablesOf(version, wanted);
  const own = isTable(plugins) ? Object.entries(plugins) : [];
  const isOf1 = ([name]: readonly [string, JsonValue]) => name === CRI;
  const ofCri = own.filter(([name, table]) => CRI_TABLES.includes(name) && !isStreamingAlone(name, table));
  const is1 = version.startsWith('1.');
  const [first] = ofCri;
  if (first === undefined || ofCri.some((table) => isOf1(table) === is1)) return undefined;
  return `${tomlPath(['plugins', first[0]])} is a table of containerd ${is1 ? '2.x' : '1.x'} and may not be read; ${writtenFor === version ? ROLES : `replace-runtime leaves the file as it was written for containerd ${writtenFor}`}`;
}

const ROLES = '`cri: { … }` in runtime-config goes to the table that each version reads';

type Path = readonly string[];

/**
 * containerd 1.x prints what it has read. Empty values are ignored, because some are not printed. Keys in a table that
 * is printed empty are ignored too: 1.4 prints the options of a runtime like this.
 */
function missingFrom(dump: object, config: JsonObject): readonly Path[] {
  return Object.entries(config).flatMap(([key, value]): readonly Path[] => {
    if (isEmpty(value)) return [];
    const read: unknown = Object.entries(dump).find(([name]) => name === key)?.[1];
    if (read === undefined) return [[key]];
    if (!isTable(value) || typeof read !== 'object' || read === null) return [];
    if (Object.keys(read).length === 0) return [];
    return missingFrom(read, value).map((path) => [key, ...path]);
  });
}

/**
 * containerd 2.x reports what it ignores. It may have migrated a table before, so the name of the table is not
 * reliable.
 */
function ignoredKeys(stderr: string, config: JsonObject): readonly Path[] {
  const plugins = isTable(config['plugins']) ? config['plugins'] : {};
  return parseLogrus(stderr)
    .filter(({ message }) => message.startsWith('Ignoring unknown key in TOML'))
    .flatMap(({ fields: { key = '', plugin } }): readonly Path[] => {
      const path = key.split(' ');
      if (plugin === undefined) return has(config, path) ? [path] : [];
      const table = [plugin, ...CRI_TABLES].find((name) => has(plugins, [name, ...path]));
      return table === undefined ? [] : [['plugins', table, ...path]];
    });
}

/** containerd does not report a table for a plugin that it does not have. But it logs which plugins it loads. */
function unknownPlugins(
  config: JsonObject,
  { log = '', warned }: { log: string | undefined; warned: readonly Path[] },
): readonly Path[] {
  const loading = parseLogrus(log).filter(({ message }) => /^(?:skip )?loading plugin/.test(message));
  const known = new Set(loading.map(({ fields }) => fields['id']));
  const disabled = config['disabled_plugins'];
  const isDisabled = (id: string) => Array.isArray(disabled) && disabled.includes(id);
  const plugins = isTable(config['plugins']) ? config['plugins'] : {};
  if (loading.length === 0) return [];
  return Object.keys(plugins)
    .filter((id) => !known.has(id) && !isDisabled(id) && !warned.some(([, table]) => table === id))
    .map((id) => ['plugins', id]);
}

function has(table: JsonObject, [key = '', ...rest]: Path): boolean {
  const value = table[key];
  if (value === undefined) return false;
  return rest.length === 0 || (isTable(value) && has(value, rest));
}

const isEmpty = (value: JsonValue): boolean =>
  typeof value === 'object' && value !== null
    ? Object.values(value).every(isEmpty)
    : value === null || value === '' || value === 0 || value === false;

const tomlPath = (path: Path): string =>
  path.map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join('.');
