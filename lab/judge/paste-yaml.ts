import { shown } from '../core/shown.ts';
import { literally } from '../spec/template.ts';

/** A value as it would stand in a scenario file, on one line, its texts being templates: `{ netns: 1, ipam: [net/10.88.0.2] }`. */
export function flowMap(entries: readonly (readonly [string, number | readonly string[]])[]): string {
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([key, value]) => `${key}: ${typeof value === 'number' ? value : flowTemplates(value)}`).join(', ')} }`;
}

export const flowList = (values: readonly string[]): string => flowTemplates(values.map(literally));

/** As `flowList`, of texts in which `${…}` stands for something. */
export const flowTemplates = (templates: readonly string[]): string =>
  `[${templates.map(scalarOf).join(', ')}]`;

/** Plain where YAML reads it back as the same string, quoted otherwise, with escapes where it cannot be shown as it is. */
export function scalarOf(template: string): string {
  if (PLAIN.test(template) && !KEYWORD.test(template)) return template;
  if (template.includes('\n') || template.includes('\t') || shown(template) !== template)
    return shown(JSON.stringify(template));
  return `'${template.replaceAll("'", "''")}'`;
}

/** Words, paths and IPv4 addresses; whatever YAML could take for a number, a key or a keyword is quoted. */
const PLAIN = /^(?:[A-Za-z/][\w./-]*|\d+(?:\.\d+){3})$/;
const KEYWORD = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
