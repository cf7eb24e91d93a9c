import type { JsonObject, JsonValue } from '../../../core/json.ts';

/** The CRI plugin of containerd 1.x, in one table; in 2.x only its streaming server is left in it. */
export const CRI = 'io.containerd.grpc.v1.cri';
export const RUNTIME = 'io.containerd.cri.v1.runtime';
export const IMAGES = 'io.containerd.cri.v1.images';

/** Table by table; anything that is not a table on both sides is replaced. */
export function mergeTables(base: JsonObject, over: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTable(below) && isTable(value) ? mergeTables(below, value) : value;
  }
  return merged;
}

export function isTable(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
