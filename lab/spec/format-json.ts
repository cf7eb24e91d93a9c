import type { JsonObject } from './scenario.ts';

/** What is written for a mapping, the same wherever one stands in the place of a file. */
export const formatJson = (value: JsonObject): string => `${JSON.stringify(value, null, 2)}\n`;
