import type { JsonObject, JsonValue } from '../core/json.ts';

/** What the network configurations that were ever on a node say of what their plugins make. */
export interface Networks {
  /** every object in them that names a plugin, those that plugins delegate to and their ipam included */
  readonly plugins: readonly JsonObject[];
  /** bridges that they name, or leave to the bridge plugin's default */
  readonly bridges: readonly string[];
  /** folders and sockets that they name for the plugins' own data */
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
/** As images/node-tools/internal/look/conflists.go has it: the look lists what is in these. */
const DATA_FOLDER = /^(?:(?:data|cni|cache|state)_?dir|daemonSocketPath)$/i;

/** The agent tells of those alone that are JSON. */
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
