import { err, ok, type Result } from '../core/result.ts';

export type PlainYaml = string | readonly PlainYaml[] | { readonly [key: string]: PlainYaml };

/**
 * Reads the small part of YAML that images/pins.yaml is written in: block maps, lists and maps that fit on one line, plain
 * and double-quoted scalars without escapes, comments on lines of their own. Everything is a string. Anything else is an
 * error and never guessed at; a test holds that the `yaml` package reads our file the same way. Why not that package here:
 * it takes 25 ms for the pins in a fresh process, at every start, and this takes three.
 */
export function readPlainYaml(text: string): Result<PlainYaml, string> {
  const root: Record<string, PlainYaml> = {};
  const open: { indent: number; map: Record<string, PlainYaml>; children?: number }[] = [
    { indent: -1, map: root },
  ];
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const indent = line.length - line.trimStart().length;
    const entry = ENTRY.exec(content);
    if (entry === null) return err(`line ${index + 1}: not a plain "key: value": ${content}`);
    while (open.length > 1 && indent <= (open.at(-1)?.indent ?? -1)) open.pop();
    const parent = open.at(-1);
    if (parent === undefined || indent !== (parent.children ??= indent) || line.includes('\t')) {
      return err(`line ${index + 1}: odd indentation`);
    }
    const key = unquote(entry[1] ?? '');
    if (Object.hasOwn(parent.map, key)) return err(`line ${index + 1}: "${key}" stands here twice`);
    const written = entry[2] ?? '';
    if (written === '') {
      const map: Record<string, PlainYaml> = {};
      parent.map[key] = map;
      open.push({ indent, map });
    } else {
      const value = readValue(written);
      if (value === undefined) return err(`line ${index + 1}: not a plain value: ${written}`);
      parent.map[key] = value;
    }
  }
  return ok(root);
}

const ENTRY = /^("[^"\\]*"|[\w./-]+):(?: +(.*))?$/;
/** As in YAML, a value of its own line may contain braces and one in a list or a map may not. */
const OWN_LINE = /^(?:"[^"\\]*"|[\w./][\w./:{}=-]*)$/;
const IN_A_LIST = /^(?:"[^"\\]*"|[\w./][\w./:=-]*)$/;

function readValue(written: string): PlainYaml | undefined {
  if (written.startsWith('[') && written.endsWith(']')) {
    const items = splitItems(written).map(readItem);
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (written.startsWith('{') && written.endsWith('}')) {
    const map: Record<string, PlainYaml> = {};
    for (const item of splitItems(written)) {
      const entry = ENTRY.exec(item);
      const value = readItem(entry?.[2] ?? '');
      if (entry === null || value === undefined) return undefined;
      map[unquote(entry[1] ?? '')] = value;
    }
    return map;
  }
  return OWN_LINE.test(written) ? unquote(written) : undefined;
}

const splitItems = (written: string): string[] =>
  written
    .slice(1, -1)
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const readItem = (written: string): string | undefined =>
  IN_A_LIST.test(written) ? unquote(written) : undefined;

const unquote = (written: string): string => (written.startsWith('"') ? written.slice(1, -1) : written);
