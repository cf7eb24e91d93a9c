import { parse } from 'smol-toml';

import type { CommandResult } from '../core/ports.ts';
import { parseContainerdLog } from '../observe/containerd-log.ts';
import type { NodeRun } from '../plan/node-run.ts';
import type { JsonObject, JsonValue } from '../spec/scenario.ts';
import type { RunFacts } from './facts.ts';
import type { Finding } from './verdict.ts';

/** The names under which the CRI plugin's tables stand in one version of containerd or another. */
const CRI_TABLES = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.runtime',
  'io.containerd.cri.v1.images',
];

/**
 * What a file says of containerd's configuration, against what containerd says that it has read. To skip what it does not
 * know is what containerd does, so that it is a warning and decides nothing.
 */
export function judgeConfigRead({ node, scenario }: NodeRun, { start, log }: RunFacts): readonly Finding[] {
  const { containerdConfig: config, containerd } = node;
  if (Object.keys(config).length === 0 || start.failed !== undefined) return [];
  const told = {
    check: 'ran',
    stepId: 'start',
    place: node.containerdConfigPlace ?? scenario.place,
  } as const;
  const { configDump: dump } = start;
  if (dump === undefined) {
    const message = 'the journal does not tell what containerd read of its configuration';
    return [{ ...told, outcome: 'inconclusive', message }];
  }
  const unread = unreadOf(config, { version: containerd.version, dump, log });
  return unread === undefined ? [] : [{ ...told, ...unread, outcome: 'pass', warning: true }];
}

export interface ConfigSeen {
  readonly version: string;
  /** `containerd config dump`, in the node */
  readonly dump: CommandResult;
  /** containerd's, from its start on */
  readonly log: string | undefined;
}

/**
 * The keys that this containerd skips, as it says nothing aloud of what it does not know. A file that has the CRI plugin's
 * tables of both generations means one of them for each version. Undefined where it has read them all.
 */
export function unreadOf(
  config: JsonObject,
  { version, dump, log }: ConfigSeen,
): { readonly message: string; readonly detail: readonly string[] } | undefined {
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
    message: `containerd ${version} does not read ${first}${more} of containerd-config`,
    detail: [
      ...others,
      ...(elsewhere ? ['`cri: { … }` in containerd-config goes to the table that each version reads'] : []),
    ],
  };
}

type Path = readonly string[];

/**
 * containerd 1.x prints what it has read. Empty values are let pass, as some are not printed, and so is what is in a table that
 * is printed empty: 1.4 does so with the options of a runtime.
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

/** containerd 2.x says what it skips. It may have moved a table before, so the name of that is not to be relied on. */
function ignoredKeys(stderr: string, config: JsonObject): readonly Path[] {
  const plugins = isTable(config['plugins']) ? config['plugins'] : {};
  return parseContainerdLog(stderr)
    .filter(({ message }) => message.startsWith('Ignoring unknown key in TOML'))
    .flatMap(({ fields: { key = '', plugin } }): readonly Path[] => {
      const path = key.split(' ');
      if (plugin === undefined) return has(config, path) ? [path] : [];
      const table = [plugin, ...CRI_TABLES].find((name) => has(plugins, [name, ...path]));
      return table === undefined ? [] : [['plugins', table, ...path]];
    });
}

/** It says nothing of a table for a plugin that it does not have; it does say which it has, as it loads them. */
function unknownPlugins(
  config: JsonObject,
  { log = '', warned }: { log: string | undefined; warned: readonly Path[] },
): readonly Path[] {
  const loading = parseContainerdLog(log).filter(({ message }) => /^(?:skip )?loading plugin/.test(message));
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

const isTable = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEmpty = (value: JsonValue): boolean =>
  typeof value === 'object' && value !== null
    ? Object.values(value).every(isEmpty)
    : value === null || value === '' || value === 0 || value === false;

const tomlPath = (path: Path): string =>
  path.map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join('.');
