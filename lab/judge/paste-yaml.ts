/** A value as it would stand in a scenario file, on one line: `{ netns: 1, ipam: [net/10.88.0.2] }`. */
export function flowMap(entries: readonly (readonly [string, number | readonly string[]])[]): string {
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([key, value]) => `${key}: ${typeof value === 'number' ? value : flowList(value)}`).join(', ')} }`;
}

export const flowList = (values: readonly string[]): string => `[${values.map(scalar).join(', ')}]`;

/** Plain where YAML reads it back as the same string, quoted otherwise; `${` would be a reference, so it is escaped. */
function scalar(text: string): string {
  const escaped = text.replaceAll(/\$+(?=\{)/g, '$&$&');
  if (PLAIN.test(escaped) && !KEYWORD.test(escaped)) return escaped;
  return `'${escaped.replaceAll("'", "''")}'`;
}

/** Words, paths and IPv4 addresses; whatever YAML could take for a number, a key or a keyword is quoted. */
const PLAIN = /^(?:[A-Za-z/][\w./-]*|\d+(?:\.\d+){3})$/;
const KEYWORD = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
