/** A value as it would stand in a scenario file, on one line: `{ netns: 1, ipam: [net/10.88.0.2] }`. */
export function flowMap(entries: readonly (readonly [string, number | readonly string[]])[]): string {
  if (entries.length === 0) return '{}';
  return `{ ${entries.map(([key, value]) => `${key}: ${typeof value === 'number' ? value : flowList(value)}`).join(', ')} }`;
}

export const flowList = (values: readonly string[]): string => `[${values.map(scalar).join(', ')}]`;

/** Plain where YAML reads it back as the same string, quoted otherwise; `${` would be a reference, so it is escaped. */
function scalar(text: string): string {
  const escaped = text.replaceAll(/\$+(?=\{)/g, '$&$&');
  if (/^[A-Za-z/][\w./-]*$/.test(escaped) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(escaped))
    return escaped;
  return `'${escaped.replaceAll("'", "''")}'`;
}
