import type { JsonObject, JsonValue } from '../core/content.ts';

/** What all network configurations that were ever on a node say about what their plugins create. */
export interface Networks {
  /** every object in them that names a plugin, including delegates and IPAM plugins */
  readonly plugins: readonly JsonObject[];
  /** bridges that they name, or the default of the bridge plugin */
  readonly bridges: readonly string[];
  /** directories and sockets that they configure for data of the plugins */
  readonly folders: readonly string[];
}

export function networksOf(conflists: readonly string[]): Networks {
  const objects = conflists.flatMap((text) => objectsIn(parsed(text)));
  return {
    plugins: objects.filter(({ type }) => typeof type === 'string'),
    bridges: unique(
      objects.flatMap(({ type, bridge }) =>
        typeof bridge === 'string' && bridge !== '' ? [bridge] : type === 'bridge' ? [DEFAULT_BRIDGE] : [],
      ),
    ),
    folders: unique(
      objects.flatMap((object) =>
        Object.entries(object).flatMap(([key, value]) =>
          DATA_FOLDER.test(key) && typeof value === 'string' && value.startsWith('/')
            ? [value.replace(/(?<=.)\/+$/, '')]
            : [],
        ),
      ),
    ),
  };
}

export const pluginsOfType = ({ plugins }: Networks, ...types: readonly string[]): readonly JsonObject[] =>
  plugins.filter(({ type }) => types.some((wanted) => wanted === type));

// https://github.com/containernetworking/plugins/blob/v1.1.1/plugins/main/bridge/bridge.go (defaultBrName)
const DEFAULT_BRIDGE = 'cni0';
/**
 * The same pattern as in images/node-tools/internal/look/conflists.go. The look lists the content of these directories.
 */
const DATA_FOLDER = /^(?:(?:data|cni|cache|state)_?dir|daemonSocketPath)$/i;

/** The agent only reports configurations that are JSON. */
function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

function objectsIn(value: JsonValue): readonly JsonObject[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap((one: JsonValue) => objectsIn(one));
  return Array.isArray(value) ? below : [value as JsonObject, ...below];
}

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** An address as a number, so that different texts of one IPv6 address are equal. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export interface IpPrefix extends IpAddress {
  readonly length: number;
}

export function parseIp(text: string): IpAddress | undefined {
  if (/^\d+(?:\.\d+){3}$/.test(text)) {
    const parts = text.split('.').map(Number);
    return parts.some((part) => part > 255) ? undefined : { bits: 32, value: joined(parts, 8n) };
  }
  const halves = text.split('::');
  if (!text.includes(':') || halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map(groupsOf);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return groups.some(Number.isNaN) ? undefined : { bits: 128, value: joined(groups, 16n) };
}

export function parsePrefix(text: string): IpPrefix | undefined {
  const [address = '', length = ''] = text.split('/');
  const ip = parseIp(address);
  return ip === undefined || !/^\d+$/.test(length) ? undefined : { ...ip, length: Number(length) };
}

/** The address after the network address. host-local uses it as the gateway if the configuration has none. */
export function firstAddress({ bits, value, length }: IpPrefix): IpAddress {
  const rest = BigInt(bits - length);
  return { bits, value: ((value >> rest) << rest) + 1n };
}

const groupsOf = (half: string): readonly number[] =>
  half === ''
    ? []
    : half.split(':').map((group) => (/^[0-9a-f]{1,4}$/i.test(group) ? parseInt(group, 16) : NaN));

const joined = (parts: readonly number[], width: bigint): bigint =>
  parts.reduce((value, part) => (value << width) | BigInt(part), 0n);
