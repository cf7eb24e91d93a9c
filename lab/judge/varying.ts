import type { JournalEntry } from '../observe/observation.ts';
import type { CaptureType } from '../spec/template.ts';

/** A kind of value that varies between runs, recognised by its form alone. In a template it becomes a capture. */
interface Kind {
  readonly name: string;
  readonly type: CaptureType;
  readonly pattern: RegExp;
}

/** In each match, the group `value` varies and the text around it does not. The first matching kind is used. */
const KINDS: readonly Kind[] = [
  { name: 'id', type: 'id', pattern: /(?<![0-9a-f])(?<value>[0-9a-f]{64})(?![0-9a-f])/dg },
  { name: 'uuid', type: 'uuid', pattern: /\b(?<value>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/dg },
  { name: 'veth', type: 'hash', pattern: /\bveth(?<value>[0-9a-f]{8})\b/dg },
  { name: 'chain', type: 'hash', pattern: /\bCNI-(?:[A-Z]+-)?(?<value>[0-9a-f]{21,24})\b/dg },
  {
    name: 'time',
    type: 'word',
    pattern: /\b(?<value>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))/dg,
  },
  { name: 'took', type: 'word', pattern: /(?<![\w.])(?<value>\d+\.\d+(?:ms|\u00b5s|s))\b/dg },
  { name: 'port', type: 'number', pattern: /\d:(?<value>(?:3[3-9]|[45]\d)\d{3})\b/dg },
];

export interface Variable {
  readonly start: number;
  readonly end: number;
  readonly value: string;
  readonly kind: Pick<Kind, 'name' | 'type'>;
}

/** All varying values in a text, in order. */
export function variablesIn(text: string): readonly Variable[] {
  const found = KINDS.flatMap((kind) =>
    [...text.matchAll(kind.pattern)].flatMap((match): readonly Variable[] => {
      const [start, end] = match.indices?.groups?.['value'] ?? [];
      if (start === undefined || end === undefined) return [];
      return [{ start, end, value: text.slice(start, end), kind }];
    }),
  ).sort((a, b) => a.start - b.start);
  let done = 0;
  return found.filter(({ start, end }) => {
    if (start < done) return false;
    done = end;
    return true;
  });
}

/**
 * Names for all varying values in a run. A value has the same name in every text. Names are numbered in order, so they
 * are short.
 */
export function nameVariables(entries: readonly JournalEntry[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { value, kind } of textsOf(entries).flatMap(variablesIn)) {
    const key = `${kind.type} ${value}`;
    if (names.has(key)) continue;
    const count = (counts.get(kind.name) ?? 0) + 1;
    counts.set(kind.name, count);
    names.set(key, `${kind.name}-${count}`);
  }
  return names;
}

const textsOf = (entries: readonly JournalEntry[]): readonly string[] =>
  entries.flatMap((entry): readonly string[] => {
    if (entry.kind === 'command') return [entry.result.stdout, entry.result.stderr];
    if (entry.kind === 'look') return entry.state.items.map(({ name }) => name);
    if (entry.kind === 'waited') return [entry.lastSeen];
    if (entry.kind === 'cni-call-started') return [entry.stdin, ...Object.values(entry.env)];
    if (entry.kind === 'cni-call-ended') return [entry.stdout, entry.stderr];
    return entry.kind === 'runtime-log' ? [entry.text] : [];
  });
