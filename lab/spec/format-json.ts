import { unreachable } from '../core/result.ts';
import type { JsonObject } from '../core/json.ts';
import type { WrittenJson, WrittenObject } from './written-json.ts';

/** What is written for a mapping, the same wherever one stands in the place of a file. */
export const formatJson = (value: JsonObject): string => `${JSON.stringify(value, null, 2)}\n`;

/** The same for a mapping of a file, with numbers in the characters that stand there. */
export const formatWritten = (value: WrittenObject): string => `${format(value, '')}\n`;

function format(value: WrittenJson, indent: string): string {
  const inner = `${indent}  `;
  const lines = (items: readonly string[], [open, close]: readonly [string, string]) =>
    items.length === 0
      ? `${open}${close}`
      : `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`;
  switch (value.is) {
    case 'mapping':
      return lines(
        value.entries.map(([key, item]) => `${JSON.stringify(key)}: ${format(item, inner)}`),
        ['{', '}'],
      );
    case 'list':
      return lines(
        value.items.map((item) => format(item, inner)),
        ['[', ']'],
      );
    case 'plain':
      return value.source;
    case 'text':
    case 'axis':
      return JSON.stringify(value.text);
    default:
      return unreachable(value);
  }
}
